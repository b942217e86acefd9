import { type Augmentation, anyOptions } from "./augmentation.js";
import { colour } from "./colour.js";
import { cutmix } from "./cutmix.js";
import { erase } from "./erase.js";
import { flip } from "./flip.js";
import { lighting } from "./lighting.js";
import { mixup } from "./mixup.js";
import { own } from "./own.js";
import { pad } from "./pad.js";
import { randAugment } from "./rand-augment.js";
import { resizedCrop } from "./resized-crop.js";

/** What a recipe may switch on, in the order in which it happens; a new one is a file and a line here. */
export const AUGMENTATIONS: readonly Augmentation[] = [
  resizedCrop,
  pad,
  flip,
  randAugment,
  colour,
  lighting,
  erase,
  own,
  mixup,
  cutmix,
].map(anyOptions);
