import { OnebitError } from "../errors.js";
import { add } from "./add.js";
import { conv } from "./conv.js";
import type { Op } from "./op.js";

// biome-ignore lint/suspicious/noExplicitAny: ops differ in their attribute types; each op checks its own
const list: readonly Op<any>[] = [add, conv];

/** Every op by name. */
export const ops: { readonly [name: string]: Op } = Object.fromEntries(
  list.map((op) => [op.name, op]),
);

export function opNamed(name: string): Op {
  const op = Object.hasOwn(ops, name) ? ops[name] : undefined;
  if (!op)
    throw new OnebitError(`unknown op "${name}"; known: ${Object.keys(ops).sort().join(", ")}`);
  return op;
}
