import { fitting, normalizeTable, type Preprocess } from "../image/preprocess.js";
import { KERNELS, taps } from "../image/resize.js";
import { checkPicture, isPicture, noFrame } from "../platform/picture.js";
import { type ImageList, nameOfImage, prepareImages } from "./image-input.js";
import type { ModelOutputs } from "./model.js";
import type { ProgramModel } from "./program-model.js";

/** Runs a model on images, prepared as its file says, for some outputs. */
export type RunImages = (
  images: ImageList,
  how: Preprocess,
  outputs: readonly string[],
) => Promise<ModelOutputs>;

/** How images are prepared everywhere. Handed over: bundlers would split what two chunks import. */
export const PREPARING = {
  fitting,
  normalizeTable,
  KERNELS,
  taps,
  checkPicture,
  isPicture,
  nameOfImage,
  noFrame,
};
export type Preparing = typeof PREPARING;

/** On this thread. Pixels are read before this returns its promise, but for Blobs, which are decoded first. */
export function imagesRunner(model: ProgramModel): RunImages {
  return async (images, how, outputs) =>
    model.runPictures(images, how, outputs, PREPARING) ??
    model.runOnceMade(prepareImages(images, how), outputs);
}
