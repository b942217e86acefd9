import type { Budget } from "onebit";
import { type FlagValues, flag } from "./flag.js";
import { misread, type Reader } from "./readers.js";
import { ofPacked } from "./scopes.js";
import { byteCount } from "./sizes.js";

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
