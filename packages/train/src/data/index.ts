/**
 * Labelled images: generated, or from IDX, CIFAR and image folders; batches of them.
 *
 * ```ts
 * import { batches, openDataset, preprocessFor } from "@onebit/train/data";
 *
 * const data = await openDataset("glyphs", { trainImages: 64, testImages: 36 });
 * const options = { split: "test", batch: 12, preprocess: preprocessFor(data) } as const;
 * for await (const { images, labels } of batches(data, options)) console.log(images.length, labels);
 * ```
 *
 * @module @onebit/train/data
 */

export {
  AUGMENTATIONS,
  type Augmentation,
  type AugmentChoice,
  type AugmentOptions,
  type AugmentSetting,
  type BatchAugmentation,
  type ImageAugmentation,
  imageAugmentations,
  loadOwnAugmentation,
  type Mix,
  type Mixed,
  mixRows,
  type OwnAugmentation,
  prepare,
  resolveAugment,
} from "./augment/index.js";
export { type BadPicture, BadPictures, badPicture, describeBad } from "./bad-picture.js";
export {
  type ClassMatch,
  credibleLabels,
  hasNames,
  listNames,
  matchClasses,
  matchNames,
  type NameMatch,
  type NetworkClasses,
} from "./class-names.js";
export { commonFolder, isInside } from "./common-folder.js";
export {
  type Dataset,
  type DatasetOptions,
  openDataset,
  type PreprocessChoice,
  preprocessFor,
} from "./dataset.js";
export { type FindBadOptions, findBadPictures, withoutPictures } from "./find-bad.js";
export { fingerprint } from "./fingerprint.js";
export { GLYPHS_VERSION, type GlyphChoice, glyphMask } from "./glyph-scene.js";
export { type HoldOut, holdOut } from "./hold-out.js";
export { imageTree } from "./image-tree.js";
export { type ClassList, readClassList } from "./labels-file.js";
export {
  type Batch,
  type BatchOptions,
  type BatchStream,
  batches,
  type Loader,
  type LoaderOptions,
  openLoader,
} from "./loader.js";
export { isOfFiles } from "./open-split.js";
export { type Random, rng } from "./random.js";
export { repeatedPictures } from "./repeated-pictures.js";
export { DATA_SPEC } from "./sources.js";
export type { PortableSplit, RawImage, Split } from "./split.js";
