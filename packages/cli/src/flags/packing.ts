import { REAL_WEIGHTS, VECTORS } from "onebit/file";
import { flag } from "./flag.js";
import { oneOf, type Reader } from "./readers.js";

const signs = oneOf(["+1", "1", "-1"]);

const sign: Reader<1 | -1> = {
  choices: ["+1", "-1"],
  read: (text, name) => Number(signs.read(text, name)) as 1 | -1,
};

export const realWeights = flag(
  "--real-weights <type>",
  "type of stem, gates and classifier",
  oneOf(REAL_WEIGHTS),
).otherwise("float32");

export const vectors = flag(
  "--vectors <type>",
  "type of per-channel vectors",
  oneOf(VECTORS),
).otherwise("float32");

export const zeroWeights = flag(
  "--zero-weights <sign>",
  "what exactly zero binary weights count as",
  sign,
);
