import { UsageError } from "onebit";
import type { Dataset, DatasetOptions } from "./dataset.js";
import { GLYPH_CLASSES } from "./glyph-outlines.js";
import { GLYPH_BYTES, GLYPH_SIZE, GLYPHS_VERSION } from "./glyph-scene.js";
import { glyphSplit } from "./glyph-split.js";
import type { DataSource } from "./source.js";
import { type Split, sharedBytes } from "./split.js";

const TRAIN_IMAGES = 12_000;
const TEST_IMAGES = 3_000;

/** Of the default training split; the same within 0.01 for every seed. */
const MEAN = [0.5817, 0.6672, 0.5301];
const STD = [0.2714, 0.2435, 0.2801];

/**
 * The generated data set: 36 characters (0-9, A-Z), 32x32 in colour, in random pose, ink darker than
 * the ground, with clutter, blur and noise. Image i of a split is of class i mod 36 and depends on
 * (version, seed, split, i) alone, on every platform. No files, no download.
 */
export function openGlyphs(spec: string, options: DatasetOptions = {}): Dataset {
  const { seed = 0, trainImages = TRAIN_IMAGES, testImages = TEST_IMAGES } = options;
  return {
    spec,
    name: `glyphs ${GLYPHS_VERSION}`,
    classes: GLYPH_CLASSES,
    channels: 3,
    size: [GLYPH_SIZE, GLYPH_SIZE],
    train: generated("train", seed, trainImages),
    test: generated("test", seed, testImages),
    mean: MEAN,
    std: STD,
    notes: [],
  };
}

export const glyphs: DataSource = {
  kind: "glyphs",
  generates: true,
  open: async (spec, _, options) => openGlyphs(spec, options),
};

function generated(part: "train" | "test", seed: number, count: number): Split {
  if (!Number.isInteger(count) || count < 1 || count > 1_000_000) {
    throw new UsageError(
      `glyphs: cannot generate ${count} ${part} images: ask for a whole number from 1 to 1000000`,
    );
  }
  const pixels = sharedBytes(count * GLYPH_BYTES);
  return glyphSplit({ kind: "glyphs", part, seed, pixels, done: sharedBytes(count) });
}
