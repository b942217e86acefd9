import type { MicroOp } from "./types.js";

/**
 * Operands of each micro-op, in order: what the checks, the JSON form and the passes over
 * epilogues need to know about it. The index in this table is the op's number in the file.
 */
export type Operand = "register" | "tensor" | "number" | "read" | "write" | "offset" | "zero";

export const MICRO_OPS: { readonly [O in MicroOp[0]]: readonly Operand[] } = {
  load: ["read"],
  affine: ["register", "tensor", "tensor"],
  shift: ["register", "tensor"],
  scale: ["register", "tensor"],
  prelu: ["register", "tensor"],
  relu: ["register"],
  sigmoid: ["register"],
  "hard-sigmoid": ["register"],
  clamp: ["register", "number", "number"],
  add: ["register", "register"],
  mul: ["register", "register"],
  mix: ["register", "register", "tensor"],
  store: ["register", "write", "offset"],
  bits: ["register", "tensor", "write", "offset", "zero"],
  mean: ["register", "write", "offset"],
};

/** A micro-op that writes a value. */
export type Write =
  | Extract<MicroOp, readonly ["store", ...unknown[]]>
  | Extract<MicroOp, readonly ["bits", ...unknown[]]>
  | Extract<MicroOp, readonly ["mean", ...unknown[]]>;

/** Value and channel offset that a micro-op writes, if it writes. */
export function writeOf(op: MicroOp): { value: number; offset: number } | undefined {
  switch (op[0]) {
    case "store":
    case "mean":
      return { value: op[2], offset: op[3] };
    case "bits":
      return { value: op[3], offset: op[4] };
    default:
      return undefined;
  }
}

/** The operands of one sort: `operandsOf(op, "tensor")` are the tensor keys that op reads. */
export function operandsOf<T = number>(op: MicroOp, sort: Operand): T[] {
  const sorts = MICRO_OPS[op[0]];
  const found: T[] = [];
  for (let i = 0; i < sorts.length; i++) if (sorts[i] === sort) found.push(op[i + 1] as T);
  return found;
}

/** The micro-op with every operand of one sort replaced: the same object where it has none. */
export function mapOperands(op: MicroOp, sort: Operand, f: (operand: number) => number): MicroOp {
  const sorts = MICRO_OPS[op[0]];
  if (!sorts.includes(sort)) return op;
  const mapped: unknown[] = op.slice();
  for (let i = 0; i < sorts.length; i++) {
    if (sorts[i] === sort) mapped[i + 1] = f(mapped[i + 1] as number);
  }
  return mapped as unknown as MicroOp;
}
