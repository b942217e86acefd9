import { OnebitError } from "onebit";
import {
  type BinaryConvStep,
  type ConvStep,
  MICRO_OP_NAMES,
  type MicroOp,
  operandsOf,
  type PoolStep,
  type Program,
  type ProgramTensors,
  type ProgramValue,
  paddingEnd,
  type Step,
} from "onebit/program";

/**
 * Of this form and of the addon's functions: raised whenever either changes, here and in
 * cpp/program.h, so that an addon of another version is told apart before it reads anything.
 */
export const ENCODING = 5;

/**
 * A program as the addon reads it (cpp/program.cpp): one list of 32-bit integers, float32 numbers by
 * their bits, and the tensors that it names by index (-1: none).
 *
 *   HEAD, then a VALUE each, a STEP each with an OP for each of its micro-ops, and a value per output
 */
export interface EncodedProgram {
  readonly code: Int32Array;
  readonly tensors: readonly (Uint8Array | Float32Array)[];
}

/** Numbers and order of everything; a test compares them with cpp/. */
export const VALUE_KINDS = ["map", "bits", "vector", "bfloat16"] as const;
export const STEP_KINDS: readonly Step["kind"][] = [
  "binary-conv",
  "conv",
  "linear",
  "pool",
  "pointwise",
  "quantise",
  "shuffle",
];
export const HEAD = ["input", "values", "steps", "outputs"] as const;
export const VALUE = ["kind", "height", "width", "channels"] as const;
/** kernel, stride, padding, end (padding behind the map), dilation: two numbers each. ops: how many follow. */
export const STEP = [
  "kind",
  "input",
  "weight",
  "out",
  "kernel",
  "stride",
  "padding",
  "end",
  "dilation",
  "groups",
  "mode",
  "bits",
  "clip",
  "first",
  "dealt",
  "ops",
] as const;
/** code: number in MICRO_OPS; a, b: registers; s, t: tensors. What an op has not is 0, or -1 (b, s, t). */
export const OP = [
  "code",
  "a",
  "b",
  "s",
  "t",
  "value",
  "offset",
  "orEqual",
  "low",
  "high",
] as const;

type Fields<Names extends readonly string[]> = {
  readonly [field in Names[number]]: number | readonly number[];
};

export function encodeProgram(program: Program, tensors: ProgramTensors): EncodedProgram {
  return new Encoder(tensors).encode(program);
}

class Encoder {
  readonly #code: number[] = [];
  readonly #tensors: ProgramTensors;
  readonly #indices = new Map<string, number>();

  constructor(tensors: ProgramTensors) {
    this.#tensors = tensors;
  }

  encode({ values, input, steps, outputs }: Program): EncodedProgram {
    const ids = Object.values(outputs);
    const counts = { values: values.length, steps: steps.length, outputs: ids.length };
    this.#push(HEAD, { input, ...counts });
    for (const value of values) {
      const [height, width, channels] = value.shape;
      this.#push(VALUE, { kind: kindOf(value), height, width, channels });
    }
    for (const step of steps) this.#step(step);
    this.#code.push(...ids);
    const tensors = [...this.#indices.keys()].map((key) => this.#tensors[key].data);
    return { code: Int32Array.from(this.#code), tensors };
  }

  #push<const Names extends readonly string[]>(names: Names, fields: Fields<Names>): void {
    const named: { readonly [field: string]: number | readonly number[] } = fields;
    for (const name of names) this.#code.push(...[named[name]].flat());
  }

  #tensor(key: string): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#indices.size;
    this.#indices.set(key, index);
    return index;
  }

  #step(step: Step): void {
    const kind = indexOf(STEP_KINDS, step.kind);
    const { input, epilogue } = step;
    this.#push(STEP, { kind, input, ...NOTHING, ...this.#kernel(step), ops: epilogue.length });
    for (const op of epilogue) this.#op(op);
  }

  /** What the kind of a step has of its own. */
  #kernel(step: Step): Partial<Fields<typeof STEP>> {
    switch (step.kind) {
      case "binary-conv": {
        const { dilation = [1, 1], groups, out, padValue } = step;
        const mode = padValue === "replicate" ? REPLICATE : padValue;
        const window = { ...windowOf(step), dilation, groups, mode };
        return { weight: this.#tensor(step.weight), out, ...window };
      }
      case "conv": {
        const { groups, out } = step;
        return { weight: this.#tensor(step.weight), out, ...windowOf(step), groups };
      }
      case "linear":
        return { weight: this.#tensor(step.weight), out: step.out };
      case "pool":
        return { ...windowOf(step), mode: step.mode === "average" ? 1 : 0 };
      case "quantise": {
        const mode = step.group === "channel" ? 1 : 0;
        return { mode, bits: step.bits, clip: floatBits(step.clip) };
      }
      case "shuffle": {
        const { out, first, dealt } = step;
        return { out, first, dealt, mode: Number(step.whole) };
      }
      case "pointwise":
        return {};
      default:
        return step satisfies never;
    }
  }

  #op(op: MicroOp): void {
    const [a = 0, b = -1] = operandsOf(op, "register");
    const [s = -1, t = -1] = operandsOf<string>(op, "tensor").map((key) => this.#tensor(key));
    const [low = 0, high = 0] = operandsOf(op, "number").map(floatBits);
    const [value = 0] = [...operandsOf(op, "read"), ...operandsOf(op, "write")];
    const [offset = 0] = operandsOf(op, "offset");
    const [orEqual = 0] = operandsOf(op, "zero");
    const code = MICRO_OP_NAMES.indexOf(op[0]);
    this.#push(OP, { code, a, b, s, t, value, offset, orEqual, low, high });
  }
}

/** A padValue as a number: kReplicate in cpp/program.h. */
const REPLICATE = 2;

/** Of a step that has no such thing. */
const NOTHING = {
  ...{ weight: -1, out: 0, groups: 1, mode: 0, bits: 0, clip: 0, first: 0, dealt: 1 },
  ...{ kernel: [1, 1], stride: [1, 1], padding: [0, 0], end: [0, 0], dilation: [1, 1] },
};

function windowOf(step: PoolStep | ConvStep | BinaryConvStep) {
  const { kernel, stride, padding } = step;
  return { kernel, stride, padding, end: paddingEnd(step) };
}

/** A map of another type is a kind of its own. */
function kindOf({ kind, type }: ProgramValue): number {
  return indexOf(VALUE_KINDS, type ?? kind);
}

/** What is not in the list is newer than this addon. */
function indexOf<T>(list: readonly T[], item: T): number {
  const index = list.indexOf(item);
  if (index >= 0) return index;
  throw new OnebitError(
    `native: cannot run "${item}": update @onebit/native, or choose another backend`,
  );
}

const scratch = new DataView(new ArrayBuffer(4));

function floatBits(x: number): number {
  scratch.setFloat32(0, x);
  return scratch.getInt32(0);
}
