import { OnebitError } from "onebit";
import {
  MICRO_OP_NAMES,
  type MicroOp,
  operandsOf,
  type Program,
  type ProgramTensors,
  type ProgramValue,
  type Step,
} from "onebit/program";

/**
 * Of this form and of the addon's functions: raised whenever either changes, here and in
 * cpp/program.h, so that an addon of another version is told apart before it reads anything.
 */
export const ENCODING = 2;

/**
 * A program as the addon reads it (cpp/program.cpp): one list of 32-bit integers, float32 numbers by
 * their bits, and the tensors that it names by index (-1: none).
 *
 *   input, number of values, steps, outputs
 *   value:  kind, height, width, channels
 *   step:   kind, input, weight, out, kernel, stride, padding, groups, mode, bits, clip, number of ops
 *   op:     number in MICRO_OPS, registers a, b (-1: none), tensors s, t, value, offset, zero, numbers low, high
 *   output: value
 */
export interface EncodedProgram {
  readonly code: Int32Array;
  readonly tensors: readonly (Uint8Array | Float32Array)[];
}

const VALUE_KINDS = ["map", "bits", "vector", "bfloat16"] as const;
const STEP_KINDS: readonly Step["kind"][] = [
  "binary-conv",
  "conv",
  "linear",
  "pool",
  "pointwise",
  "quantise",
];
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
    this.#push(input, values.length, steps.length, ids.length);
    for (const value of values) this.#push(kindOf(value), ...value.shape);
    for (const step of steps) this.#step(step);
    this.#push(...ids);
    const tensors = [...this.#indices.keys()].map((key) => this.#tensors[key].data);
    return { code: Int32Array.from(this.#code), tensors };
  }

  #push(...integers: readonly number[]): void {
    this.#code.push(...integers);
  }

  #tensor(key: string): number {
    const known = this.#indices.get(key);
    if (known !== undefined) return known;
    const index = this.#indices.size;
    this.#indices.set(key, index);
    return index;
  }

  #step(step: Step): void {
    this.#push(indexOf(STEP_KINDS, step.kind), step.input, ...this.#kernel(step));
    this.#push(step.epilogue.length);
    for (const op of step.epilogue) this.#op(op);
  }

  /** weight, out, kernel, stride, padding, groups, mode, bits, clip */
  #kernel(step: Step): number[] {
    const window = ({ kernel, stride, padding }: Extract<Step, { kernel: unknown }>) => [
      ...kernel,
      ...stride,
      ...padding,
    ];
    const noWindow = [1, 1, 1, 1, 0, 0];
    switch (step.kind) {
      case "binary-conv":
        return [
          this.#tensor(step.weight),
          step.out,
          ...window(step),
          step.groups,
          step.padValue,
          0,
          0,
        ];
      case "conv":
        return [this.#tensor(step.weight), step.out, ...window(step), step.groups, 0, 0, 0];
      case "linear":
        return [this.#tensor(step.weight), step.out, ...noWindow, 1, 0, 0, 0];
      case "pool":
        return [-1, 0, ...window(step), 1, step.mode === "average" ? 1 : 0, 0, 0];
      case "quantise": {
        const perChannel = step.group === "channel" ? 1 : 0;
        return [-1, 0, ...noWindow, 1, perChannel, step.bits, floatBits(step.clip)];
      }
      case "pointwise":
        return [-1, 0, ...noWindow, 1, 0, 0, 0];
      default:
        return step satisfies never;
    }
  }

  #op(op: MicroOp): void {
    const registers = operandsOf(op, "register");
    const tensors = operandsOf<string>(op, "tensor").map((key) => this.#tensor(key));
    const numbers = operandsOf(op, "number");
    const [value] = [...operandsOf(op, "read"), ...operandsOf(op, "write")];
    this.#push(MICRO_OP_NAMES.indexOf(op[0]));
    this.#push(registers[0] ?? 0, registers[1] ?? -1, tensors[0] ?? -1, tensors[1] ?? -1);
    this.#push(value ?? 0, operandsOf(op, "offset")[0] ?? 0, operandsOf(op, "zero")[0] ?? 0);
    this.#push(floatBits(numbers[0] ?? 0), floatBits(numbers[1] ?? 0));
  }
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
