import { flag } from "./flag.js";
import { words } from "./readers.js";

export const moments = flag("--moments <file>", "what an optimiser had kept", words);
