import type { RawImage } from "../split.js";

/** Each value becomes what the function makes of it. */
export function throughTable(image: RawImage, of: (value: number) => number): RawImage {
  const table = Uint8Array.from({ length: 256 }, (_, value) => of(value));
  const { data } = image;
  const out = new Uint8Array(data.length);
  for (let i = 0; i < data.length; i++) out[i] = table[data[i]];
  return { ...image, data: out };
}

/** A table for each channel, made from its histogram; undefined: as it is. */
export function throughHistograms(
  image: RawImage,
  tableOf: (histogram: Uint32Array) => Uint8Array | undefined,
): RawImage {
  const { data, channels } = image;
  const out = new Uint8Array(data);
  for (let c = 0; c < channels; c++) {
    const histogram = new Uint32Array(256);
    for (let i = c; i < data.length; i += channels) histogram[data[i]]++;
    const table = tableOf(histogram);
    if (!table) continue;
    for (let i = c; i < data.length; i += channels) out[i] = table[data[i]];
  }
  return { ...image, data: out };
}
