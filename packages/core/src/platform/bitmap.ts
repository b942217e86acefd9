import { OnebitError } from "../errors.js";

/** A decoded picture of a browser: an ImageBitmap. */
export interface BitmapLike {
  readonly width: number;
  readonly height: number;
  close(): void;
}

/** Pixels of a picture, RGBA, alpha not multiplied in. */
export function bitmapPixels(bitmap: BitmapLike): ImageData {
  if (typeof OffscreenCanvas === "undefined") {
    throw new OnebitError(
      "image: this platform cannot read bitmaps; give pixels { data, width, height }",
    );
  }
  const { width, height } = bitmap;
  const context = new OffscreenCanvas(width, height).getContext("2d", { willReadFrequently: true });
  if (!context) throw new OnebitError(`image: no canvas of ${width}x${height} pixels`);
  context.drawImage(bitmap as ImageBitmap, 0, 0);
  return context.getImageData(0, 0, width, height);
}
