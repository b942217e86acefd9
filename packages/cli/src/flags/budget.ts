import type { Budget } from "onebit";
import { type FlagValues, flag } from "./flag.js";
import { misread, type Reader } from "./readers.js";
import { ofPacked } from "./scopes.js";

const UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;

const byteCount: Reader<number> = {
  read(text, name) {
    const [, digits, unit] = /^(\d+(?:\.\d+)?)([kmgt]?)i?b?$/i.exec(text) ?? [];
    if (digits === undefined) {
      throw misread(name, text, "must be a number of bytes, or one with k, m, g or t");
    }
    return Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS];
  },
};

const multiplyAdds: Reader<number> = {
  read(text, name) {
    if (/^\d+(\.\d+)?(e\+?\d+)?$/i.test(text)) return Number(text);
    throw misread(name, text, "must be a number such as 1e12");
  },
};

const memory = flag("--memory <size>", "what a packed network may take, such as 2g", byteCount)
  .otherwise("768m")
  .of(ofPacked);

const work = flag("--work <n>", "multiply-adds that an image may take", multiplyAdds)
  .otherwise("1e11")
  .of(ofPacked);

export const budgetFlags = [memory, work] as const;

export function budgetOf({ memory, work }: FlagValues<typeof budgetFlags>): Budget {
  return { memory, work };
}
