/**
 * Images to what networks take: resized as Pillow does, cropped, normalised.
 *
 * ```ts
 * import { resize } from "onebit/image";
 *
 * const image = { width: 4, height: 2, channels: 3, data: new Uint8Array(24).fill(128) } as const;
 * const { width, height } = resize(image, { width: 2, height: 2 });
 * console.log(width, height);
 * ```
 *
 * @module onebit/image
 */

export { crop, type Rectangle } from "./crop.js";
export { toGrey } from "./grey.js";
export { parsePreprocess } from "./parse-preprocess.js";
export { centerCrop, fit, normalize, type Preprocess, preprocess } from "./preprocess.js";
export { preprocessAt } from "./preprocess-at.js";
export {
  type Box,
  type Interpolation,
  type PixelImage,
  type ResizedImage,
  type ResizeOptions,
  resize,
} from "./resize.js";
