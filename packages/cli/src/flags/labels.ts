import { readClassList } from "@onebit/train/data";
import { type FlagValues, flag } from "./flag.js";
import { words } from "./readers.js";
import { ofOnnx } from "./scopes.js";

export const labels = flag(
  "--labels <file>",
  "names of the classes: one per line, or .json (a list, or imagenet_class_index.json)",
  words,
).of(ofOnnx);

export async function labelsOf(flags: FlagValues<[typeof labels]>): Promise<string[] | undefined> {
  return flags.labels === undefined ? undefined : [...(await readClassList(flags.labels)).names];
}
