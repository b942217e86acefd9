import { flag } from "./flag.js";

/** train and study. */
export const resume = flag("--resume", "go on with what is in --out");
