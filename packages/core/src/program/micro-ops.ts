import type { Step, TensorKey, ValueId } from "./types.js";

/** Registers of an epilogue: 0 is the accumulator, micro-op i defines register i + 1. */
export type Register = number;

/** What an operand can be. offset: of the first channel written; zero: the sign of what is equal. */
interface OperandTypes {
  readonly register: Register;
  readonly tensor: TensorKey;
  readonly number: number;
  readonly read: ValueId;
  readonly write: ValueId;
  readonly offset: number;
  readonly zero: -1 | 1;
}

/** A sort of operand of a micro-op. */
export type Operand = keyof OperandTypes;

/**
 * An epilogue is a straight-line element-wise program over the accumulator of a step, one entry per
 * register. Per-channel tensors have the step's channel count. All arithmetic is float32, each
 * operation rounded once, in the order written: every backend gives the same bits.
 *
 * This table is what checks, file format, passes, native's encoding and random programs know of a
 * micro-op; its place here is its number in files and in cpp/micro-ops.h, so new ones come last. What it
 * computes stands once per backend, in a table that has to name every one of them.
 *
 * Where a loaded value repeats, its channels, C, are a multiple of 32, the step's channels are a
 * multiple of C, and the step has no groups. A value is written once: by one micro-op, or by several of
 * one kind (in one step or many) whose channel slices do not overlap and fill it. It can be read from
 * the next step on. A store into a vector wants a step whose output is one pixel.
 */
const TABLE = {
  /** v[h, w, c mod C]: a map or bits (as -1 / +1) of the step's height and width, or a vector. */
  load: ["read"],
  /** r * s[c] + t[c], two roundings */
  affine: ["register", "tensor", "tensor"],
  /** r + t[c] */
  shift: ["register", "tensor"],
  /** r * s[c] */
  scale: ["register", "tensor"],
  /** r > 0 ? r : r * s[c] */
  prelu: ["register", "tensor"],
  /** r > 0 ? r : 0 */
  relu: ["register"],
  /** 1 / (1 + exp(-r)), one implementation for all (program/math.ts) */
  sigmoid: ["register"],
  /** min(max(r + 3, 0), 6) / 6, computed as * fround(1 / 6) */
  "hard-sigmoid": ["register"],
  /** r < low ? low : r > high ? high : r; float32 numbers, not -0 */
  clamp: ["register", "number", "number"],
  /** r + q */
  add: ["register", "register"],
  /** r * q */
  mul: ["register", "register"],
  /** a[c] * p + (1 - a[c]) * y of registers p and y, four roundings */
  mix: ["register", "register", "tensor"],
  /** v[h, w, o + c] = r (map or vector), rounded where v is bfloat16; the register keeps r */
  store: ["register", "write", "offset"],
  /** v[h, w, o + c] = r > t[c], or r >= t[c] where zero is 1; the register keeps r */
  bits: ["register", "tensor", "write", "offset", "zero"],
  /**
   * v[o + c] = mean of r over h and w: each row summed over w in float32 (from 0), rows added in float64
   * (from 0), the total divided by H * W in float64, rounded once
   */
  mean: ["register", "write", "offset"],
  /**
   * v[y, x, o + c] = mean of r over the window of 2x2 pixels at (2y, 2x), of a step of even height and
   * width: summed from 0 in the order of rows in float32, then divided by 4
   */
  "mean-2x2": ["register", "write", "offset"],
  /** r > t[c], or r >= t[c] where zero is 1: +1, else -1 */
  sign: ["register", "tensor", "zero"],
  /** r > q ? r : q; of signs AND is min, OR is max, XNOR is mul */
  max: ["register", "register"],
  /** r < q ? r : q */
  min: ["register", "register"],
  /** r as a whole number, half to even; never -0 */
  round: ["register"],
} as const satisfies { readonly [name: string]: readonly Operand[] };

type Table = typeof TABLE;
export type MicroOpName = keyof Table;

type TypesOf<Sorts extends readonly Operand[]> = {
  readonly [I in keyof Sorts]: OperandTypes[Sorts[I]];
};

/** ["affine", r, s, t] and so on: a name of the table above and its operands. */
export type MicroOp = {
  [N in MicroOpName]: readonly [N, ...TypesOf<Table[N]>];
}[MicroOpName];

/** Those that compute a number from registers and constants, and touch no value. */
export type ComputingName = {
  [N in MicroOpName]: Extract<Table[N][number], "read" | "write"> extends never ? N : never;
}[MicroOpName];
/** A micro-op that computes a number. */
export type Computing = Extract<MicroOp, readonly [ComputingName, ...unknown[]]>;

/** Operands of each micro-op, in order. */
export const MICRO_OPS: { readonly [N in MicroOpName]: readonly Operand[] } = TABLE;
/** In the order of their numbers. */
export const MICRO_OP_NAMES = Object.keys(TABLE) as readonly MicroOpName[];

export const COMPUTING_NAMES = MICRO_OP_NAMES.filter(computes);

/** Whether a micro-op computes a number, and touches no value. */
export function isComputing(op: MicroOp): op is Computing {
  return computes(op[0]);
}

function computes(name: MicroOpName): name is ComputingName {
  return MICRO_OPS[name].every((sort) => sort !== "read" && sort !== "write");
}

/** Value and channel offset that a micro-op writes, if it writes. */
export function writeOf(op: MicroOp): { value: number; offset: number } | undefined {
  const sorts = MICRO_OPS[op[0]];
  const at = sorts.indexOf("write");
  if (at < 0) return undefined;
  return { value: op[at + 1] as ValueId, offset: op[sorts.indexOf("offset") + 1] as number };
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

/** Values that a step reads, each once. */
export function readsOf({ input, epilogue }: Pick<Step, "input" | "epilogue">): ValueId[] {
  return [...new Set([input, ...epilogue.flatMap((op) => operandsOf(op, "read"))])];
}

/** Values that a step writes, each once. */
export function writesOf({ epilogue }: Pick<Step, "epilogue">): ValueId[] {
  return [...new Set(epilogue.flatMap((op) => writeOf(op)?.value ?? []))];
}
