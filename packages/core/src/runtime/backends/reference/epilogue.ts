import { roundToBfloat16 } from "../../../program/bfloat16.js";
import { elementCount, type MapShape } from "../../../program/geometry.js";
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
      write(context, op[2], op[3], channels, registers[op[1]], storedIn(context, op[2]));
      return registers[op[1]];
    case "bits": {
      const [threshold, zero] = [context.tensors[op[2]].data, op[5]];
      const above = (x: number, c: number) => (zero === 1 ? x >= threshold[c] : x > threshold[c]);
      write(context, op[3], op[4], channels, registers[op[1]], (x, c) => (above(x, c) ? 1 : -1));
      return registers[op[1]];
    }
    case "mean":
      context.values[op[2]].set(mean(registers[op[1]], shape), op[3]);
      return registers[op[1]];
    case "mean-2x2":
      write(context, op[2], op[3], channels, means2x2(registers[op[1]], shape), (x) => x);
      return registers[op[1]];
    default:
      return op satisfies never;
  }
}

function compute(
  { tensors }: StepContext,
  op: Computing,
  shape: MapShape,
  registers: readonly Float32Array[],
): Float32Array {
  const channels = shape[2];
  const [a, b, c] = MICRO_OPS[op[0]].map((sort, i): ((element: number) => number) => {
    const operand = op[i + 1];
    if (sort === "register") {
      const register = registers[operand as number];
      return (element) => register[element];
    }
    if (sort === "tensor") {
      const { data } = tensors[operand as TensorKey];
      return (element) => data[element % channels];
    }
    return () => operand as number;
  });
  const [second, third] = [b ?? absent, c ?? absent];
  const formula = COMPUTE[op[0]];
  const result = new Float32Array(elementCount(shape));
  for (let i = 0; i < result.length; i++) result[i] = formula(a(i), second(i), third(i));
  return result;
}

const absent = () => Number.NaN;

function load({ values, program }: StepContext, id: ValueId, shape: MapShape): Float32Array {
  const value = values[id];
  const { kind, shape: loaded } = program.values[id];
  const channels = shape[2];
  const pixel = kind === "vector" ? 0 : loaded[2];
  return Float32Array.from({ length: elementCount(shape) }, (_, i) => {
    const c = i % channels;
    return value[((i - c) / channels) * pixel + (c % loaded[2])];
  });
}

/** What a value keeps of a number. */
function storedIn({ program }: StepContext, id: number): (x: number) => number {
  return program.values[id].type === "bfloat16" ? roundToBfloat16 : (x) => x;
}

/** Writes a register into the channels of a value that start at `offset`. */
function write(
  { program, values }: StepContext,
  id: number,
  offset: number,
  channels: number,
  register: Float32Array,
  convert: (x: number, c: number) => number,
): void {
  const target = values[id];
  const stride = program.values[id].shape[2];
  for (let i = 0; i < register.length; i++) {
    const c = i % channels;
    target[((i - c) / channels) * stride + offset + c] = convert(register[i], c);
  }
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
