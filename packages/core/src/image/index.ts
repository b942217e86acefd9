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
