import type { PixelImage } from "./resize.js";

/** Whole pixels. */
export interface Rectangle {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Cuts whole pixels; the rectangle must lie inside the image. */
export function crop(image: PixelImage, { left, top, width, height }: Rectangle): PixelImage {
  const { channels } = image;
  if (width === image.width && height === image.height) return image;
  const data = new Uint8Array(width * height * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    data.set(image.data.subarray(from, from + width * channels), y * width * channels);
  }
  return { data, width, height, channels };
}
