import { canRepeat, paddingEnd } from "../program/geometry.js";
import { MICRO_OPS, operandsOf } from "../program/micro-ops.js";
import type {
  BinaryConvStep,
  MicroOp,
  Program,
  ProgramTensor,
  ProgramTensors,
  Step,
  TensorKey,
} from "../program/types.js";
import { TensorPool } from "./tensor-pool.js";

interface Parts {
  readonly program: Program;
  readonly tensors: ProgramTensors;
}

/**
 * Binary convolutions that follow each other, read the same bits and do the same to neighbouring
 * channels become one. Where ReActNet widens:
 *
 *   conv C to C, + v, to channels 0 to C of y
 *   conv C to C, + v, to channels C to 2C of y      one of C to 2C, + v twice, to all of y
 *
 * Weights and per-channel vectors are put one after the other.
 */
export function mergeSiblings({ program, tensors }: Parts): Parts {
  const families = siblings(program);
  if (families.length === program.steps.length) return { program, tensors };
  const joined = new JoinedTensors(tensors);
  const steps = families.map((family) => mergedStep(family, joined));
  return { program: { ...program, steps }, tensors: joined.pool.tensors };
}

/** All steps in order, those that can be merged together. */
function siblings(program: Program): Step[][] {
  const families: Step[][] = [];
  for (const step of program.steps) {
    const family = families.at(-1);
    if (family && continues(program, family, step)) family.push(step);
    else families.push([step]);
  }
  return families;
}

function continues(program: Program, family: readonly Step[], step: Step): boolean {
  const [first] = family;
  if (first.kind !== "binary-conv" || step.kind !== "binary-conv") return false;
  if (geometry(first) !== geometry(step) || step.groups > 1) return false;
  if (first.epilogue.length !== step.epilogue.length) return false;
  const before = channelsOf(family);
  const alike = first.epilogue.every((op, i) => isAlike(op, step.epilogue[i], before));
  return alike && step.epilogue.every((op) => repeatsIn(program, step, before + step.out, op));
}

/** What siblings have in common. */
function geometry(step: BinaryConvStep): string {
  const { input, kernel, stride, padding, dilation, groups, padValue } = step;
  return [input, kernel, stride, padding, paddingEnd(step), dilation, groups, padValue].join(" ");
}

/** The same op on other tensors, so many channels further on. */
function isAlike(a: MicroOp, b: MicroOp, further: number): boolean {
  if (a[0] !== b[0]) return false;
  return MICRO_OPS[a[0]].every((sort, i) => {
    if (sort === "tensor") return true;
    if (sort === "offset") return b[i + 1] === (a[i + 1] as number) + further;
    return a[i + 1] === b[i + 1];
  });
}

function repeatsIn({ values }: Program, step: Step, channels: number, op: MicroOp): boolean {
  return operandsOf(op, "read").every((id) => canRepeat(step, channels, values[id].shape[2]));
}

function mergedStep(family: readonly Step[], tensors: JoinedTensors): Step {
  const [first] = family;
  const base = {
    covers: family.flatMap(({ covers }) => covers),
    epilogue: first.epilogue.map((_, i) =>
      mergedOp(
        family.map(({ epilogue }) => epilogue[i]),
        tensors,
      ),
    ),
  };
  if (!("weight" in first)) return { ...first, ...base };
  const weight = tensors.join(family.map((step) => (step as typeof first).weight));
  return { ...first, ...base, weight, out: channelsOf(family) };
}

function channelsOf(family: readonly Step[]): number {
  return family.reduce((sum, step) => sum + ("out" in step ? step.out : 0), 0);
}

function mergedOp(ops: readonly MicroOp[], tensors: JoinedTensors): MicroOp {
  const [first] = ops;
  const operands = MICRO_OPS[first[0]].map((sort, i) =>
    sort === "tensor" ? tensors.join(ops.map((op) => op[i + 1] as TensorKey)) : first[i + 1],
  );
  return [first[0], ...operands] as unknown as MicroOp;
}

/** Only what somebody asked for, equal vectors once. */
class JoinedTensors {
  readonly pool = new TensorPool();
  readonly #given: ProgramTensors;
  readonly #keys = new Map<string, TensorKey>();

  constructor(given: ProgramTensors) {
    this.#given = given;
  }

  /** Key of the tensors one after the other, along their first axis. */
  join(keys: readonly TensorKey[]): TensorKey {
    const asked = keys.join("\n");
    const known = this.#keys.get(asked);
    if (known !== undefined) return known;
    const key = this.#add(keys);
    this.#keys.set(asked, key);
    return key;
  }

  #add(keys: readonly TensorKey[]): TensorKey {
    const [first] = keys;
    const tensor = joined(keys.map((key) => this.#given[key]));
    // The pool numbers those whose name is taken.
    const name = keys.length > 1 ? first.replace(/\.\d+$/, "") : first;
    if (tensor.type === "bits" || tensor.shape.length > 1) return this.pool.add(name, tensor);
    return this.pool.vector(name, tensor.data);
  }
}

function joined(tensors: readonly ProgramTensor[]): ProgramTensor {
  const [first] = tensors;
  if (tensors.length === 1) return first;
  const [, ...rest] = first.shape;
  const shape = [tensors.reduce((sum, tensor) => sum + tensor.shape[0], 0), ...rest];
  const size = shape.reduce((product, dim) => product * dim, 1);
  const data = first.type === "bits" ? new Uint8Array(size) : new Float32Array(size);
  let at = 0;
  for (const tensor of tensors) {
    data.set(tensor.data, at);
    at += tensor.data.length;
  }
  return { type: first.type, shape, data } as ProgramTensor;
}
