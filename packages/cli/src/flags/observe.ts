import { flag } from "./flag.js";
import { wholeNumber } from "./readers.js";

export const observe = flag(
  "--observe <n>",
  "look at every layer every n steps: flips, saturation, dead signs, norms",
  wholeNumber,
);
