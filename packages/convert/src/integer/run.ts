import { elementCount, outputShape, type ProgramTensors } from "onebit/program";
import { half } from "./fixed-point.js";
import { type Kernel, kernelOf } from "./kernels.js";
import { integerSigmoid } from "./sigmoid.js";
import { type IntegerOp, type IntegerProgram, type IntegerStep, MOST } from "./types.js";

/** Values of an image, [H, W, C], by id; bits as -1 and 1. */
export type IntegerValues = readonly (Int16Array | Int8Array)[];

/** From an image [H, W, C] (see `quantised`) to every value: what is returned is overwritten by the next call. */
export function integerRunner(
  integers: IntegerProgram,
  tensors: ProgramTensors,
): (image: ArrayLike<number>) => IntegerValues {
  const { program } = integers;
  const values = program.values.map(({ kind, shape }) =>
    kind === "bits" ? new Int8Array(elementCount(shape)) : new Int16Array(elementCount(shape)),
  );
  const kernels = integers.steps.map((step) => kernelOf(program, tensors, step));
  return (image) => {
    values[program.input].set(image);
    integers.steps.forEach((step, i) => {
      runStep(integers, step, kernels[i], values);
    });
    return values;
  };
}

interface Sizes {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

function runStep(
  { program }: IntegerProgram,
  step: IntegerStep,
  kernel: Kernel,
  values: IntegerValues,
): void {
  const [height, width, channels] = outputShape(program, step.step);
  const sizes = { height, width, channels };
  const refs: ArrayLike<number>[] = [kernel(values[step.step.input])];
  const shapeOf = (id: number) => program.values[id].shape;
  for (const op of step.operations) refs.push(compute(op, refs, values, sizes, shapeOf));
}

function compute(
  op: IntegerOp,
  refs: readonly ArrayLike<number>[],
  values: IntegerValues,
  sizes: Sizes,
  shapeOf: (id: number) => readonly [number, number, number],
): ArrayLike<number> {
  const { channels } = sizes;
  switch (op.kind) {
    case "load":
      return loaded(values[op.value], shapeOf(op.value), sizes);
    case "scale":
      return scale(op, refs[op.of], channels);
    case "sum":
      return sum(op, refs[op.of], refs[op.other], channels);
    case "product":
      return product(op, refs[op.of], refs[op.other]);
    case "prelu":
      return prelu(op, refs[op.of], channels);
    case "clamp":
      return mapped(refs[op.of], (x) => Math.max(op.low, Math.min(op.high, x)));
    case "sigmoid":
      return mapped(refs[op.of], integerSigmoid);
    case "store":
      write(refs[op.of], values[op.value], shapeOf(op.value)[2], op.offset, channels);
      return refs[op.of];
    case "bits":
      write(
        bits(op, refs[op.of], channels),
        values[op.value],
        shapeOf(op.value)[2],
        op.offset,
        channels,
      );
      return refs[op.of];
    case "mean":
      mean(op, refs[op.of], values[op.value], channels);
      return refs[op.of];
    case "mean-2x2":
      meanOfFour(op, refs[op.of], values[op.value], sizes, shapeOf(op.value)[2]);
      return refs[op.of];
    default:
      return op satisfies never;
  }
}

type Op<K extends IntegerOp["kind"]> = Extract<IntegerOp, { readonly kind: K }>;

const within = (x: number, limit = Number.POSITIVE_INFINITY) =>
  Math.max(-limit - 1, Math.min(limit, x));

/** As Int32Array.from, many times faster. */
function mapped(of: ArrayLike<number>, f: (x: number) => number): Int32Array {
  const out = new Int32Array(of.length);
  for (let i = 0; i < of.length; i++) out[i] = f(of[i]);
  return out;
}

function product(
  { shift, limit }: Op<"product">,
  a: ArrayLike<number>,
  b: ArrayLike<number>,
): Int32Array {
  const rounding = half(shift);
  const out = new Int32Array(a.length);
  for (let i = 0; i < out.length; i++) out[i] = within((a[i] * b[i] + rounding) >> shift, limit);
  return out;
}

function loaded(
  value: ArrayLike<number>,
  [rows, columns, channels]: readonly [number, number, number],
  { height, width, channels: wanted }: Sizes,
): Int32Array {
  const isVector = rows * columns === 1;
  const out = new Int32Array(height * width * wanted);
  for (let i = 0; i < out.length; i++) {
    const c = i % wanted;
    const from = isVector ? 0 : ((i - c) / wanted) * channels;
    out[i] = value[from + (c % channels)];
  }
  return out;
}

function scale(
  { by, plus, shift, wide, limit }: Op<"scale">,
  of: ArrayLike<number>,
  channels: number,
): Int32Array {
  const out = new Int32Array(of.length);
  for (let i = 0; i < of.length; i++) {
    const c = i % channels;
    const sum = of[i] * by[c] + plus[c];
    out[i] = within(wide ? Math.floor(sum / 2 ** shift[c]) : sum >> shift[c], limit);
  }
  return out;
}

function sum(
  { by, byOther, plus, shift, limit }: Op<"sum">,
  of: ArrayLike<number>,
  other: ArrayLike<number>,
  channels: number,
): Int32Array {
  const out = new Int32Array(of.length);
  for (let i = 0; i < of.length; i++) {
    const c = i % channels;
    out[i] = within((of[i] * by[c] + other[i] * byOther[c] + plus[c]) >> shift[c], limit);
  }
  return out;
}

function prelu({ by, shift, limit }: Op<"prelu">, of: ArrayLike<number>, channels: number) {
  const out = new Int32Array(of.length);
  for (let i = 0; i < of.length; i++) {
    const c = i % channels;
    const x = of[i];
    out[i] = within(x > 0 ? x : (x * by[c] + half(shift[c])) >> shift[c], limit);
  }
  return out;
}

function bits({ from, count }: Op<"bits">, of: ArrayLike<number>, channels: number): Int32Array {
  const out = new Int32Array(of.length);
  for (let i = 0; i < of.length; i++) {
    const c = i % channels;
    const isOne = count ? (of[i] - from[c]) >>> 0 < count[c] : of[i] >= from[c];
    out[i] = isOne ? 1 : -1;
  }
  return out;
}

function write(
  of: ArrayLike<number>,
  value: Int16Array | Int8Array,
  valueChannels: number,
  offset: number,
  channels: number,
): void {
  for (let i = 0; i < of.length; i++) {
    const c = i % channels;
    value[((i - c) / channels) * valueChannels + offset + c] = of[i];
  }
}

function mean(
  { by, shift, offset }: Op<"mean">,
  of: ArrayLike<number>,
  value: Int16Array | Int8Array,
  channels: number,
): void {
  for (let c = 0; c < channels; c++) {
    let sum = 0;
    for (let i = c; i < of.length; i += channels) sum += of[i];
    value[offset + c] = within(Math.floor((sum * by + half(shift)) / 2 ** shift), MOST);
  }
}

function meanOfFour(
  { offset }: Op<"mean-2x2">,
  of: ArrayLike<number>,
  value: Int16Array | Int8Array,
  { height, width, channels }: Sizes,
  valueChannels: number,
): void {
  for (let y = 0; y < height; y += 2) {
    for (let x = 0; x < width; x += 2) {
      const from = (y * width + x) * channels;
      const to = ((y / 2) * (width / 2) + x / 2) * valueChannels + offset;
      for (let c = 0; c < channels; c++) {
        const row = from + width * channels + c;
        value[to + c] = of[from + c] + of[from + channels + c] + of[row] + of[row + channels];
      }
    }
  }
}
