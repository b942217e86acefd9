import { OnebitError } from "onebit";
import type { Preprocess } from "onebit/image";
import {
  outputShape,
  type Program,
  type ProgramTensors,
  type QuantiseStep,
  type Step,
} from "onebit/program";
import { lowerEpilogue } from "./epilogue.js";
import { fractionFor, WIDE } from "./fixed-point.js";
import { foldThresholds } from "./fold-thresholds.js";
import { normaliseTable } from "./images.js";
import type { Form, Interval } from "./interval.js";
import { checkInteger, noInteger } from "./no-integer.js";
import type { Ranges } from "./ranges.js";
import {
  BYTE_SHIFT,
  type Column,
  type ImageBytes,
  type IntegerProgram,
  type IntegerStep,
  MOST,
} from "./types.js";

/** How far beyond what was seen numbers may go before they are clamped. */
export const HEADROOM = 2;

/** A program in whole numbers, for numbers as large as `ranges` says. Its maps must be float32. */
export async function lower(
  program: Program,
  tensors: ProgramTensors,
  ranges: Ranges,
  preprocess?: Preprocess,
): Promise<IntegerProgram> {
  checkInteger(program);
  const fractions = fractionsOf(program, ranges);
  const image = preprocess && imageOf(program, preprocess, fractions[program.input]);
  const pixels = image?.kind === "bytes" ? pixelsOf(preprocess!, image.zero) : undefined;
  const steps: IntegerStep[] = [];
  for (const [i, step] of program.steps.entries()) {
    const registers = ranges.registers[i];
    const range = (register: number) => HEADROOM * registerRange(step, registers, register, ranges);
    steps.push(await lowerStep(program, tensors, step, { fractions, range, pixels }));
  }
  return { program, fractions, steps, image };
}

/** What is stored in a map, and the four numbers of each mean of 2x2, must have room in it. */
function fractionsOf({ values, steps }: Program, ranges: Ranges): number[] {
  const most = [...ranges.values];
  steps.forEach((step, i) => {
    for (const op of step.epilogue) {
      if (op[0] !== "mean-2x2") continue;
      most[op[2]] = Math.max(most[op[2]], registerRange(step, ranges.registers[i], op[1], ranges));
    }
  });
  return values.map(({ kind }, id) => (kind === "bits" ? 0 : fractionFor(HEADROOM * most[id])));
}

function registerRange(
  step: Step,
  registers: readonly (number | undefined)[],
  register: number,
  ranges: Ranges,
): number {
  const seen = registers[register];
  if (seen !== undefined) return seen;
  const op = step.epilogue[register - 1];
  if (op[0] === "load") return ranges.values[op[1]];
  return registerRange(step, registers, op[1] as number, ranges);
}

interface StepFacts {
  readonly fractions: readonly number[];
  readonly pixels?: Pixels;
  readonly range: (register: number) => number;
}

async function lowerStep(
  program: Program,
  tensors: ProgramTensors,
  step: Step,
  { fractions, range, pixels: bytes }: StepFacts,
): Promise<IntegerStep> {
  const shape = outputShape(program, step);
  const channels = shape[2];
  const isBits = (id: number) => program.values[id].kind === "bits";
  const pixels_ = step.input === program.input ? bytes : undefined;
  const kernel = lowerKernel(program, tensors, step, { fractions, pixels: pixels_ });
  if (kernel.bound > WIDE) {
    throw new OnebitError(
      `${step.covers[0] ?? step.kind}: adds so many products that whole numbers of 53 bits do not hold the sum: leave --integer out`,
    );
  }
  const { factor, offset = factor.map(() => 0), bound, limit, ...rest } = kernel;
  const folded: ReadonlyMap<number, Interval> = isBits(step.input)
    ? await foldThresholds(step, tensors, { channels, bound })
    : new Map();
  const pixels = shape[0] * shape[1];
  const operations = lowerEpilogue(
    { step, channels, pixels, tensors, fractions, isBits, range, folded },
    { bound, limit, factor, offset },
  );
  return { step, bound, operations, ...rest };
}

type Kernel = Pick<Form, "bound" | "limit" | "factor"> &
  Partial<Pick<Form, "offset">> &
  Pick<IntegerStep, "weights" | "zero" | "clip">;

function lowerKernel(
  program: Program,
  tensors: ProgramTensors,
  step: Step,
  { fractions, pixels }: Pick<StepFacts, "fractions" | "pixels">,
): Kernel {
  const input = program.values[step.input];
  const channels = outputShape(program, step)[2];
  const unit = 2 ** -fractions[step.input];
  const int16 = { bound: MOST + 1, limit: MOST };
  const same = (factor: number) => new Array<number>(channels).fill(factor);
  switch (step.kind) {
    case "binary-conv": {
      const products = (step.kernel[0] * step.kernel[1] * input.shape[2]) / step.groups;
      return { bound: products, factor: same(1) };
    }
    case "conv":
    case "linear": {
      const weights = tensors[step.weight].data as Float32Array;
      return pixels ? pixelKernel(weights, channels, pixels) : int8Kernel(weights, channels, unit);
    }
    case "pool": {
      if (step.mode === "max") return { ...int16, factor: same(unit) };
      const area = step.kernel[0] * step.kernel[1];
      return { bound: area * (MOST + 1), factor: same(unit / area) };
    }
    case "quantise":
      return { ...int16, factor: same(unit), clip: clipOf(step, unit) };
    case "pointwise":
      if (input.kind === "bits") return { bound: 1, factor: same(1) };
      return { ...int16, factor: same(unit) };
    case "shuffle":
      throw noInteger(step);
    default:
      return step satisfies never;
  }
}

const clipOf = ({ clip }: QuantiseStep, unit: number) =>
  Math.max(1, Math.min(MOST, Math.round(clip / unit)));

function int8Kernel(data: Float32Array, outs: number, unit: number): Kernel {
  const rows = rowsOf(data, outs);
  const weights = new Int8Array(data.length);
  const scaled = rows.map((row, o) => scaleRow(row, weights, o * row.length, () => 127));
  return { ...summary(scaled, MOST + 1, unit), weights };
}

const rowsOf = <A extends Float32Array | Float64Array>(data: A, outs: number) =>
  Array.from({ length: outs }, (_, o) => {
    const row = data.length / outs;
    return data.subarray(o * row, (o + 1) * row) as A;
  });

/** A row as whole numbers from -most to most times a scale. */
function scaleRow(
  row: Float32Array | Float64Array,
  weights: Int8Array | Int16Array,
  at: number,
  mostFor: (sizes: number) => number,
): { readonly scale: number; readonly sum: number } {
  let [largest, total] = [0, 0];
  for (const w of row) {
    largest = Math.max(largest, Math.abs(w));
    total += Math.abs(w);
  }
  if (largest === 0) return { scale: 1, sum: 0 };
  const scale = largest / mostFor(total / largest);
  let sum = 0;
  row.forEach((w, i) => {
    weights[at + i] = Math.round(w / scale);
    sum += Math.abs(weights[at + i]);
  });
  return { scale, sum };
}

function summary(rows: readonly ReturnType<typeof scaleRow>[], input: number, unit: number) {
  const bound = rows.reduce((most, { sum }) => Math.max(most, sum * input), 1);
  return { bound, factor: rows.map(({ scale }) => scale * unit) };
}

/** q * factor[c] + offset[c] is the number of a pixel. */
interface Pixels {
  readonly factor: Column;
  readonly offset: Column;
  readonly zero: Column;
}

function pixelsOf({ mean, std }: Preprocess, zero: Column): Pixels {
  return {
    factor: std.map((deviation) => 1 / (255 * 2 ** BYTE_SHIFT * deviation)),
    offset: mean.map((m, c) => -m / std[c]),
    zero,
  };
}

function imageOf(program: Program, how: Preprocess, fraction: number): ImageBytes {
  const { steps, input } = program;
  const isForConvolutions = steps.every(
    (step) =>
      !step.epilogue.some((op) => op[0] === "load" && op[1] === input) &&
      (step.input !== input || step.kind === "conv"),
  );
  const zero = how.mean.map((m) => Math.round(m * 255 * 2 ** BYTE_SHIFT));
  if (isForConvolutions && zero.every((q) => q >= 0 && q <= MOST)) return { kind: "bytes", zero };
  const table = Int16Array.from(normaliseTable(how), (x) => quantised(x, fraction));
  return { kind: "table", table };
}

/** Largest number of an image's bytes. */
const BYTE = 255 * 2 ** BYTE_SHIFT;

/**
 * A convolution of bytes: weights times the factors of their channels, with as many bits as sums of 32 bits have room
 * for, and what the offsets come to.
 */
function pixelKernel(data: Float32Array, outs: number, { factor, offset, zero }: Pixels): Kernel {
  const channels = factor.length;
  const weights = new Int16Array(data.length);
  const room = (2 ** 31 - 1) / BYTE;
  const scaled = rowsOf(data, outs).map((row, o) => {
    const ofBytes = Float64Array.from(row, (w, i) => w * factor[i % channels]);
    return scaleRow(ofBytes, weights, o * row.length, (sizes) => {
      // Rounding adds half at most to each.
      const most = Math.floor((room - row.length / 2) / sizes);
      return Math.max(127, Math.min(MOST, most));
    });
  });
  const offsets = rowsOf(data, outs).map((row) =>
    row.reduce((sum, w, i) => sum + w * offset[i % channels], 0),
  );
  return { ...summary(scaled, BYTE, 1), offset: offsets, weights, zero };
}

/** int16 numbers of floats. */
export function quantised(x: number, fraction: number): number {
  const q = Math.floor(x * 2 ** fraction + 0.5);
  return Math.max(-MOST, Math.min(MOST, q)) + 0;
}
