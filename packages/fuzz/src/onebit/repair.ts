import { drawn, type Random } from "onebit/conformance";
import {
  elementCount,
  type MapShape,
  type MicroOp,
  operandsOf,
  outputShape,
  type ProgramTensor,
  writeOf,
} from "onebit/program";
import type { Draft, MutableStep } from "./draft.js";

/** More than that in one value would only test patience. */
const MAX_ELEMENTS = 200_000;
const MAX_PRODUCTS = 2_000_000;

/**
 * Makes an edited program hang together again where that is simple: groups that divide, weights and
 * vectors of the right sizes, values as large as what is written into them, slices one after another,
 * loads that fit. What stays wrong must be refused.
 */
export function repair(draft: Draft, random: Random): void {
  const filled = new Map<number, number>();
  draft.steps.forEach((step, index) => {
    const input = draft.values[step.input];
    if (!input) return;
    const kind = step.kind === "binary-conv" ? "bits" : step.kind === "linear" ? "vector" : "";
    if (kind !== "" && input.kind !== kind)
      step.input = lastOfKind(draft, kind, filled) ?? step.input;
    const channels = draft.values[step.input].shape[2];
    if ("groups" in step && (channels % step.groups || step.out % step.groups)) step.groups = 1;
    shrinkWork(draft, step);
    const shape = outputShape(draft, step as Parameters<typeof outputShape>[1]);
    fitWeight(draft, step, index, random);
    step.epilogue = step.epilogue.map((op, i) => {
      return fitWrite(
        draft,
        fitOperands(draft, step, op, shape, `${index}.${i}`, random),
        shape,
        filled,
      );
    });
  });
}

/** The latest value of that kind that is there already. */
function lastOfKind({ values }: Draft, kind: string, filled: ReadonlyMap<number, number>) {
  const found = values.findLastIndex((value, id) => value.kind === kind && filled.has(id));
  return found < 0 ? undefined : found;
}

function shrinkWork({ values }: Draft, step: MutableStep): void {
  if (!("kernel" in step)) return;
  const input = values[step.input].shape;
  for (const axis of [0, 1] as const) {
    if (step.kind === "pool" && step.padding[axis] >= step.kernel[axis]) step.padding = [0, 0];
    const apart = step.kind === "binary-conv" ? (step.dilation?.[axis] ?? 1) : 1;
    const span = (step.kernel[axis] - 1) * apart + 1;
    if (input[axis] + 2 * step.padding[axis] < span) step.kernel = [1, 1];
  }
  const shape = outputShape({ values }, step as Parameters<typeof outputShape>[1]);
  const window = step.kernel[0] * step.kernel[1];
  const products = elementCount(shape) * window * ("groups" in step ? input[2] / step.groups : 1);
  if (elementCount(shape) <= MAX_ELEMENTS && products <= MAX_PRODUCTS) return;
  step.padding = [0, 0];
  step.kernel = [1, 1];
  if ("out" in step) step.out = step.groups;
}

function fitWeight(draft: Draft, step: MutableStep, index: number, random: Random): void {
  if (!("weight" in step)) return;
  const channels = draft.values[step.input].shape[2];
  const length =
    step.kind === "linear" ? channels : (step.kernel[0] * step.kernel[1] * channels) / step.groups;
  if (!Number.isInteger(length) || length * step.out > MAX_PRODUCTS) return;
  const wanted =
    step.kind === "binary-conv"
      ? { type: "bits" as const, shape: [step.out, Math.ceil(length / 8)] }
      : { type: "float32" as const, shape: [step.out, ...rowShape(step, channels)] };
  const tensor = draft.tensors[step.weight];
  if (tensor?.type === wanted.type && `${tensor.shape}` === `${wanted.shape}`) return;
  const made =
    wanted.type === "bits" ? signs(wanted.shape, length, random) : floats(wanted.shape, random);
  step.weight = `weight ${index}`;
  draft.tensors[step.weight] = made;
}

function rowShape(step: Extract<MutableStep, { weight: string }>, channels: number): number[] {
  return step.kind === "linear" ? [channels] : [...step.kernel, channels / step.groups];
}

function floats(shape: readonly number[], random: Random): ProgramTensor {
  const size = shape.reduce((product, dim) => product * dim, 1);
  const draw = () => random.number() * 2 - 1;
  return { type: "float32", shape, data: drawn(new Float32Array(size), draw) };
}

/** Rows of so many bits, zeros behind them. */
function signs([rows, rowBytes]: readonly number[], length: number, random: Random): ProgramTensor {
  const last = length % 8 === 0 ? 0xff : (1 << (length % 8)) - 1;
  const draw = (i: number) => random.int(0, 255) & ((i + 1) % rowBytes === 0 ? last : 0xff);
  const data = drawn(new Uint8Array(rows * rowBytes), draw);
  return { type: "bits", shape: [rows, rowBytes], data };
}

/** Vectors of the step's channels, and loads of values that fit it. */
function fitOperands(
  draft: Draft,
  step: MutableStep,
  op: MicroOp,
  shape: MapShape,
  place: string,
  random: Random,
): MicroOp {
  if (op[0] === "load") return fitsLoad(draft, step, op[1], shape) ? op : ["relu", 0];
  const names = operandsOf<string>(op, "tensor");
  if (names.length === 0 || shape[2] > MAX_ELEMENTS) return op;
  return op.map((operand, i) => {
    if (i === 0 || !names.includes(operand as string)) return operand;
    const known = draft.tensors[operand as string];
    if (known?.type === "float32" && `${known.shape}` === `${shape[2]}`) return operand;
    const key = `vector ${place}.${i}`;
    draft.tensors[key] = floats([shape[2]], random);
    return key;
  }) as unknown as MicroOp;
}

function fitsLoad({ values }: Draft, step: MutableStep, id: number, shape: MapShape): boolean {
  const value = values[id];
  if (!value) return false;
  const grouped = "groups" in step && step.groups > 1;
  const [height, width, channels] = value.shape;
  const repeats = !grouped && channels % 32 === 0 && shape[2] % channels === 0;
  const samePixels = value.kind === "vector" || (height === shape[0] && width === shape[1]);
  return samePixels && (channels === shape[2] || repeats);
}

/** The value grows by the slice that is written. */
function fitWrite(
  { values, input }: Draft,
  op: MicroOp,
  shape: MapShape,
  filled: Map<number, number>,
): MicroOp {
  const write = writeOf(op);
  const value = write && values[write.value];
  if (!value || write.value === input) return op;
  const offset = filled.get(write.value) ?? 0;
  const [height, width] = op[0] === "mean" ? [1, 1] : shape;
  filled.set(write.value, offset + shape[2]);
  value.shape = [height, width, offset + shape[2]];
  if (value.kind === "vector" && height * width > 1) value.kind = "map";
  const at = op[0] === "bits" ? 4 : 3;
  return op.map((operand, i) => (i === at ? offset : operand)) as unknown as MicroOp;
}
