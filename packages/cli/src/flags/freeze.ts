import { flag } from "./flag.js";
import { misread, type Reader, words } from "./readers.js";

export const freeze = flag(
  "--freeze <pattern>",
  "tensors that are not trained, by their keys: 'stem.*'; may be repeated",
  words,
).repeated();

const rateOfPattern: Reader<{ readonly pattern: string; readonly factor: number }> = {
  read(text, name) {
    const at = text.lastIndexOf("=");
    const factor = Number(text.slice(at + 1));
    if (at > 0 && factor > 0 && Number.isFinite(factor))
      return { pattern: text.slice(0, at), factor };
    throw misread(
      name,
      text,
      "a pattern of keys and a factor above 0 are wanted, such as 'layer1.*=0.1'",
    );
  },
};

export const rate = flag(
  "--rate <pattern=factor>",
  "so much slower or faster are these tensors trained: 'layer1.*=0.1'; may be repeated",
  rateOfPattern,
).repeated();
