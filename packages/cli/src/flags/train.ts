import { flag } from "./flag.js";

/** summary and bench: of training instead of inference. */
export const train = flag("--train", "of training");
