import type { Preprocess } from "./preprocess.js";

/**
 * The same preparation for a network that takes another size: the crop keeps its share of the
 * resized image (256 and 224 become 128 and 112).
 */
export function preprocessAt(p: Preprocess, size: readonly [number, number]): Preprocess {
  const [height, width] = size;
  if (p.size[0] === height && p.size[1] === width) return p;
  const scale = [height / p.size[0], width / p.size[1]];
  const scaled = { ...p, size: [height, width] as [number, number] };
  if (p.resize === undefined) return scaled;
  if (typeof p.resize === "number") {
    // Both sides must stay large enough for the crop.
    const resize = Math.max(Math.round(p.resize * Math.max(...scale)), height, width);
    return p.crop === "center" ? { ...scaled, resize } : { ...scaled, resize: [height, width] };
  }
  const sides = p.resize.map((side, axis) => Math.max(Math.round(side * scale[axis]), size[axis]));
  return { ...scaled, resize: p.crop === "none" ? [height, width] : [sides[0], sides[1]] };
}
