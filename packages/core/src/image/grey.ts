import type { PixelImage } from "./resize.js";

/**
 * Red, green and blue to one grey:
 *
 *   L = (19595 R + 38470 G + 7471 B + 2^15) >> 16          (of three equal channels: their value)
 *
 * Alpha is left out. Source: ITU-R BT.601 luma, 0.299 R + 0.587 G + 0.114 B, rounded as Pillow's convert("L") does.
 */
export function toGrey(image: PixelImage): PixelImage {
  const { data, width, height, channels } = image;
  if (channels < 3) return image;
  const grey = new Uint8Array(width * height);
  for (let o = 0, i = 0; o < grey.length; o++, i += channels) {
    grey[o] = (19595 * data[i] + 38470 * data[i + 1] + 7471 * data[i + 2] + 0x8000) >> 16;
  }
  return { data: grey, width, height, channels: 1 };
}
