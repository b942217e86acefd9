import { DATA_SPEC } from "@onebit/train/data";
import { flag } from "./flag.js";
import { wholeNumber, words } from "./readers.js";

export const data = flag("--data <spec>", DATA_SPEC, words);

export const limit = flag("--limit <n>", "only so many test images, chosen by seed 0", wholeNumber);

export const imageCount = flag("--images <n>", "so many images", wholeNumber);
