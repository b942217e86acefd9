import { flag } from "./flag.js";
import { words } from "./readers.js";

export const input = flag("--input <x.npy>", "normalised images [N, C, H, W]", words);
