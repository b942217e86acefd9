import { flag } from "./flag.js";
import { wholeNumber } from "./readers.js";

export const batch = flag("--batch <n>", "images at a time", wholeNumber);
