import { flag } from "./flag.js";
import { words } from "./readers.js";

export const output = flag("-o, --output <file>", "where to write it; - is standard output", words);
