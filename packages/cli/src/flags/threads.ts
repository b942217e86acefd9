import { flag } from "./flag.js";
import { listOf, wholeNumber } from "./readers.js";

export const threads = flag("--threads <n>", "threads", wholeNumber);

export const threadList = flag(
  "--threads <list>",
  "numbers of threads, such as 1,2",
  listOf(wholeNumber),
);
