import { misread, type Reader } from "./readers.js";

const UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;

/** Bytes: 800000, 64k, 2g. */
export const byteCount: Reader<number> = {
  read(text, name) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)([kmgt]?)i?b?$/i.exec(text) ?? [];
    if (digits === undefined) {
      throw misread(name, text, "must be a number of bytes, or one with k, m, g or t");
    }
    return Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS];
  },
};
