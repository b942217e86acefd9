import { flag } from "./flag.js";
import { words } from "./readers.js";

export const set = flag(
  "--set <field=value>",
  "override a field of the recipe; may be repeated",
  words,
).repeated();
