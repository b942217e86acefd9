import type { MemorySplit, Split } from "./split.js";

export function memorySplit(portable: MemorySplit): Split {
  const { pixels, labels, width, height, channels, files } = portable;
  const bytes = width * height * channels;
  return {
    length: labels.length,
    portable,
    label: (i) => labels[i],
    image: (i) => ({
      data: pixels.subarray(i * bytes, (i + 1) * bytes),
      width,
      height,
      channels,
    }),
    source(i) {
      const file = files.findLast((f) => f.first <= i);
      return file ? `${file.name}, image ${i - file.first}` : `image ${i}`;
    },
  };
}

/**
 * Mean and standard deviation of each channel over all pixels, in units of 0..1. A channel without
 * any variation gets the deviation of one grey level, so that dividing by it is harmless.
 */
export function pixelStatistics(
  pixels: Uint8Array,
  channels: number,
): { mean: number[]; std: number[] } {
  const counts = Array.from({ length: channels }, () => new Float64Array(256));
  for (let c = 0; c < channels; c++) {
    const count = counts[c];
    for (let i = c; i < pixels.length; i += channels) count[pixels[i]]++;
  }
  const n = pixels.length / channels;
  const mean = counts.map((count) => count.reduce((sum, k, v) => sum + k * v, 0) / n / 255);
  const std = counts.map((count, c) => {
    const square = count.reduce((sum, k, v) => sum + k * (v / 255 - mean[c]) ** 2, 0) / n;
    return square > 0 ? Math.sqrt(square) : 1 / 255;
  });
  return { mean, std };
}
