import { flag } from "./flag.js";
import { misread, type Reader } from "./readers.js";

const share: Reader<number> = {
  read(text, name) {
    const value = Number(text);
    if (value > 0 && value < 1) return value;
    throw misread(name, text, "a share above 0 and below 1 is wanted, such as 0.1");
  },
};

export const validation = flag(
  "--validation <share>",
  "hold back so many of the training images to choose the epoch on; the test images are used once, at the end",
  share,
).otherwise("none, the epoch is chosen on the test images");
