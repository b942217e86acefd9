import { flag } from "./flag.js";
import { words } from "./readers.js";

export const out = flag("--out <dir>", "run folder", words);
