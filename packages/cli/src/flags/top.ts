import { flag } from "./flag.js";
import { wholeNumber } from "./readers.js";

export const top = flag("--top <k>", "how many classes to name", wholeNumber).byDefault(5);
