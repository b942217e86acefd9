export type { Augmentation, BatchAugmentation, ImageAugmentation, Mix } from "./augmentation.js";
export { type Augmenter, augmenter, prepare } from "./augmenter.js";
export { AUGMENTATIONS } from "./catalogue.js";
export { type Mixed, mixImages, mixRows } from "./mix.js";
export { loadOwnAugmentation, type OwnAugmentation, OwnAugmentationError } from "./own.js";
export {
  type AugmentChoice,
  type AugmentOptions,
  type AugmentSetting,
  imageAugmentations,
  overrideAugment,
  resolveAugment,
} from "./settings.js";
