import { DATA_SPEC } from "@onebit/train/data";
import { flag } from "./flag.js";
import { words } from "./readers.js";
import { ofPacked } from "./scopes.js";

/** In whole numbers. */
export const integer = flag("--integer", "in whole numbers, as C of export --to c --integer").of(
  ofPacked,
);

/** Where whole numbers learn how large numbers become. */
export const calibrate = flag(
  "--calibrate <spec>",
  `with --integer, ranges of numbers from training images: ${DATA_SPEC}`,
  words,
)
  .otherwise("generated images")
  .needs(integer);
