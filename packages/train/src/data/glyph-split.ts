import { GLYPH_CLASSES } from "./glyph-outlines.js";
import { drawGlyph, GLYPH_BYTES, GLYPH_SIZE, GLYPHS_VERSION } from "./glyph-scene.js";
import type { GlyphSplit, Split } from "./split.js";

/**
 * Draws images when first asked for and keeps them. Two threads that ask for the same image at once
 * both draw it and write the same bytes.
 */
export function glyphSplit(portable: GlyphSplit): Split {
  const { part, seed, pixels, done } = portable;
  return {
    length: done.length,
    portable,
    label: (i) => i % GLYPH_CLASSES.length,
    image(i) {
      const data = pixels.subarray(i * GLYPH_BYTES, (i + 1) * GLYPH_BYTES);
      if (Atomics.load(done, i) === 0) {
        drawGlyph(data, seed, part, i);
        Atomics.store(done, i, 1);
      }
      return { data, width: GLYPH_SIZE, height: GLYPH_SIZE, channels: 3 };
    },
    source: (i) => `glyphs version ${GLYPHS_VERSION}, seed ${seed}, ${part} image ${i}`,
  };
}
