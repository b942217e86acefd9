import { roundToBfloat16 } from "../../../program/bfloat16.js";
import type { MapShape } from "../../../program/geometry.js";
import { type Computing, isComputing, MICRO_OPS } from "../../../program/micro-ops.js";
import type { MicroOp, Step, TensorKey, ValueId } from "../../../program/types.js";
import { COMPUTE } from "./micro-ops.js";
import type { StepContext } from "./program.js";

const f = Math.fround;

/** Registers are whole maps, [H, W, C]; each micro-op is one loop over its elements. */
export function applyEpilogue(
  context: StepContext,
  step: Step,
  shape: MapShape,
  accumulator: Float32Array,
): void {
  const registers = [accumulator];
  for (const op of step.epilogue) {
    registers.push(runMicroOp(context, op, shape, registers));
  }
}

function runMicroOp(
  context: StepContext,
  op: MicroOp,
  shape: MapShape,
  registers: readonly Float32Array[],
): Float32Array {
  if (isComputing(op)) return compute(context, op, shape, registers);
  const channels = shape[2];
  switch (op[0]) {
    case "load":
      return load(context, op[1], shape);
    case "store":
      write(context, op[2], op[3], channels, storedIn(context, op[2], registers[op[1]]));
      return registers[op[1]];
    case "bits": {
      const signs = signsOf(registers[op[1]], context.tensors[op[2]].data, op[5] === 1);
      write(context, op[3], op[4], channels, signs);
      return registers[op[1]];
    }
    case "mean":
      context.values[op[2]].set(mean(registers[op[1]], shape), op[3]);
      return registers[op[1]];
    case "mean-2x2":
      write(context, op[2], op[3], channels, means2x2(registers[op[1]], shape));
      return registers[op[1]];
    default:
      return op satisfies never;
  }
}

/** What a micro-op takes for pixel p and channel c: data[p * pixel + c * channel]. */
interface Operand {
  readonly data: ArrayLike<number>;
  readonly pixel: number;
  readonly channel: number;
}

const constant = (value: number): Operand => ({ data: [value], pixel: 0, channel: 0 });
const absent = constant(Number.NaN);

function compute(
  { tensors }: StepContext,
  op: Computing,
  [height, width, channels]: MapShape,
  registers: readonly Float32Array[],
): Float32Array {
  const [a, b = absent, c = absent] = MICRO_OPS[op[0]].map((sort, i): Operand => {
    const operand = op[i + 1];
    if (sort === "register") {
      return { data: registers[operand as number], pixel: channels, channel: 1 };
    }
    if (sort !== "tensor") return constant(operand as number);
    return { data: tensors[operand as TensorKey].data, pixel: 0, channel: 1 };
  });
  const formula = COMPUTE[op[0]];
  const result = new Float32Array(height * width * channels);
  for (let p = 0, i = 0; p < height * width; p++) {
    const [x, y, z] = [p * a.pixel, p * b.pixel, p * c.pixel];
    for (let k = 0; k < channels; k++, i++) {
      const [second, third] = [b.data[y + k * b.channel], c.data[z + k * c.channel]];
      result[i] = formula(a.data[x + k * a.channel], second, third);
    }
  }
  return result;
}

function load({ values, program }: StepContext, id: ValueId, shape: MapShape): Float32Array {
  const value = values[id];
  const { kind, shape: loaded } = program.values[id];
  const [height, width, channels] = shape;
  const pixel = kind === "vector" ? 0 : loaded[2];
  const result = new Float32Array(height * width * channels);
  for (let p = 0, i = 0; p < height * width; p++)
    for (let c = 0; c < channels; c++) result[i++] = value[p * pixel + (c % loaded[2])];
  return result;
}

/** What a value keeps of numbers. */
function storedIn({ program }: StepContext, id: ValueId, numbers: Float32Array): Float32Array {
  return program.values[id].type === "bfloat16" ? numbers.map(roundToBfloat16) : numbers;
}

/** +1 above the channel's threshold, or at it where atIt says so; -1 elsewhere, and of NaN. */
function signsOf(r: Float32Array, threshold: ArrayLike<number>, atIt: boolean): Float32Array {
  const channels = threshold.length;
  const signs = new Float32Array(r.length).fill(-1);
  for (let i = 0; i < r.length; i++) {
    const t = threshold[i % channels];
    if (r[i] > t || (atIt && r[i] === t)) signs[i] = 1;
  }
  return signs;
}

/** Writes numbers [H, W, channels] into the channels of a value that start at `offset`. */
function write(
  { program, values }: StepContext,
  id: ValueId,
  offset: number,
  channels: number,
  numbers: Float32Array,
): void {
  const target = values[id];
  const stride = program.values[id].shape[2];
  for (let from = 0, to = offset; from < numbers.length; from += channels, to += stride)
    for (let c = 0; c < channels; c++) target[to + c] = numbers[from + c];
}

/** Rows in float32, their sums in float64, one division. */
function mean(r: Float32Array, [height, width, channels]: MapShape): Float32Array {
  const means = new Float32Array(channels);
  for (let c = 0; c < channels; c++) {
    let total = 0;
    for (let y = 0; y < height; y++) {
      let row = 0;
      for (let x = 0; x < width; x++) row = f(row + r[(y * width + x) * channels + c]);
      total += row;
    }
    means[c] = total / (height * width);
  }
  return means;
}

/** Windows of 2x2 pixels, summed row by row. */
function means2x2(r: Float32Array, [height, width, channels]: MapShape): Float32Array {
  const means = new Float32Array((height / 2) * (width / 2) * channels);
  let at = 0;
  for (let y = 0; y < height; y += 2)
    for (let x = 0; x < width; x += 2)
      for (let c = 0; c < channels; c++) {
        const first = (y * width + x) * channels + c;
        const second = first + width * channels;
        const upper = f(f(0 + r[first]) + r[first + channels]);
        means[at++] = f(f(upper + r[second]) + r[second + channels]) / 4;
      }
  return means;
}
