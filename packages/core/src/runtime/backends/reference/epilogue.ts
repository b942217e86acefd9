import { roundToBfloat16 } from "../../../program/bfloat16.js";
import { elementCount, type MapShape } from "../../../program/geometry.js";
import { sigmoid } from "../../../program/math.js";
import type { MicroOp, Step, TensorKey } from "../../../program/types.js";
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
  const channels = shape[2];
  const map = (compute: (i: number, c: number) => number): Float32Array => {
    const result = new Float32Array(elementCount(shape));
    for (let i = 0; i < result.length; i++) result[i] = compute(i, i % channels);
    return result;
  };
  const vector = (key: TensorKey) => context.tensors[key].data;
  const r = typeof op[1] === "number" ? registers[op[1]] : accumulatorOf(registers);
  switch (op[0]) {
    case "load": {
      const value = context.values[op[1]];
      const { kind, shape: loaded } = context.program.values[op[1]];
      const pixel = kind === "vector" ? 0 : loaded[2];
      return map((i, c) => value[((i - c) / channels) * pixel + (c % loaded[2])]);
    }
    case "affine": {
      const [scale, shift] = [vector(op[2]), vector(op[3])];
      return map((i, c) => f(r[i] * scale[c]) + shift[c]);
    }
    case "shift": {
      const shift = vector(op[2]);
      return map((i, c) => r[i] + shift[c]);
    }
    case "scale": {
      const scale = vector(op[2]);
      return map((i, c) => r[i] * scale[c]);
    }
    case "prelu": {
      const slope = vector(op[2]);
      return map((i, c) => (r[i] > 0 ? r[i] : r[i] * slope[c]));
    }
    case "relu":
      return map((i) => relu(r[i]));
    case "sigmoid":
      return map((i) => sigmoid(r[i]));
    case "hard-sigmoid":
      return map((i) => Math.min(Math.max(f(r[i] + 3), 0), 6) * f(1 / 6));
    case "clamp":
      return map((i) => clamp(r[i], op[2], op[3]));
    case "add": {
      const q = registers[op[2]];
      return map((i) => r[i] + q[i]);
    }
    case "mul": {
      const q = registers[op[2]];
      return map((i) => r[i] * q[i]);
    }
    case "mix": {
      const [y, a] = [registers[op[2]], vector(op[3])];
      return map((i, c) => f(a[c] * r[i]) + f(f(1 - a[c]) * y[i]));
    }
    case "store":
      write(context, op[2], op[3], channels, r, storedIn(context, op[2]));
      return r;
    case "bits": {
      const [threshold, zero] = [vector(op[2]), op[5]];
      const above = (x: number, c: number) => (zero === 1 ? x >= threshold[c] : x > threshold[c]);
      write(context, op[3], op[4], channels, r, (x, c) => (above(x, c) ? 1 : -1));
      return r;
    }
    case "mean":
      context.values[op[2]].set(mean(r, shape), op[3]);
      return r;
    default:
      return op satisfies never;
  }
}

/** What a value keeps of a number. */
function storedIn({ program }: StepContext, id: number): (x: number) => number {
  return program.values[id].type === "bfloat16" ? roundToBfloat16 : (x) => x;
}

function relu(x: number): number {
  if (x > 0) return x;
  return 0;
}

function clamp(x: number, low: number, high: number): number {
  if (x < low) return low;
  if (x > high) return high;
  return x;
}

const accumulatorOf = (registers: readonly Float32Array[]) => registers[0];

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
