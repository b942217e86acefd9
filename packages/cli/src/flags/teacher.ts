import { flag } from "./flag.js";
import { words } from "./readers.js";

export const teacher = flag("--teacher <file>", "learn from this network", words);
