import { flag } from "./flag.js";
import { words } from "./readers.js";

/** Whether a network has such parts is its family's to say. */
export const quantised = flag(
  "--quantised <bits>",
  "bits of stem, gates and classifier: 4, 8 or 32 each, such as 8-4-8 (BNext)",
  words,
);
