import { flag } from "./flag.js";
import { misread, type Reader } from "./readers.js";

const seedNumber: Reader<number> = {
  read(text, name) {
    const value = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(value) && value >= 0) return value;
    throw misread(name, text, "a whole number from 0 is wanted");
  },
};

export const seed = flag("--seed <n>", "other random numbers", seedNumber);
