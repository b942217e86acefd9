import { flag } from "./flag.js";

export const strict = flag(
  "--strict",
  "stop at the first picture that cannot be used, instead of at the end",
);
