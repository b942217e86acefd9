import { roundToBfloat16 } from "../program/bfloat16.js";
import { elementCount, type MapShape, outputShape, reductionLength } from "../program/geometry.js";
import { type Computing, isComputing, MICRO_OPS, type MicroOp } from "../program/micro-ops.js";
import { clipped, levelsOf, rangeOf } from "../program/quantiser.js";
import type { ProgramTensors, QuantiseStep, Step, ValueId } from "../program/types.js";
import { COMPUTE } from "../runtime/backends/reference/micro-ops.js";
import { accumulate, type StepContext } from "../runtime/backends/reference/program.js";
import { ERRORS, UNIT as U } from "../runtime/backends/webgpu/micro-ops.js";

/**
 * How far float32 arithmetic may lie from the reference's, where each operation is rounded once but
 * products and sums may be contracted and sums taken in another order; divisions and exponentials are off by
 * some units. First order, both sides counted: e is a bound on |theirs - x|.
 */
interface Bounded {
  readonly x: Float32Array;
  readonly e: Float64Array;
}

/** What a step writes: its numbers, and how far off they may be (of signs: 2 where either is right). */
export interface BoundedWrite extends Bounded {
  readonly value: ValueId;
  readonly offset: number;
  /** Of what is written. */
  readonly shape: MapShape;
}

/** Units of a division. */
const DIVISION = 3 * U;

const { abs, max } = Math;

/** What the reference makes of the values of `context`, with bounds. Values are left as they are. */
export function boundedWrites(context: StepContext, step: Step): BoundedWrite[] {
  const shape = outputShape(context.program, step);
  const registers: Bounded[] = [boundedAccumulator(context, step)];
  const writes: BoundedWrite[] = [];
  for (const op of step.epilogue) {
    const { register, write } = boundedOp(context, op, shape, registers);
    registers.push(register);
    if (write) writes.push(write);
  }
  return writes;
}

function boundedAccumulator(context: StepContext, step: Step): Bounded {
  const x = accumulate(context, step);
  const { program, tensors } = context;
  const input = program.values[step.input].shape;
  switch (step.kind) {
    case "binary-conv":
    case "pointwise":
    case "shuffle":
      return { x, e: new Float64Array(x.length) };
    case "conv":
    case "linear": {
      const count = step.kind === "conv" ? reductionLength(step, input[2]) : input[2];
      const all = { ...context, tensors: absolutes(tensors, step.weight) };
      return { x, e: scaled(magnitudes(all, step), (count + 1) * U) };
    }
    case "pool": {
      if (step.mode === "max") return { x, e: new Float64Array(x.length) };
      const [height, width] = step.kernel;
      return { x, e: scaled(magnitudes(context, step), height * width * U + DIVISION) };
    }
    case "quantise":
      return { x, e: levelErrors(context, step) };
    default:
      return step satisfies never;
  }
}

const scaled = (x: Float32Array, by: number) => Float64Array.from(x, (v) => v * by);

/** The sums of what is summed, without signs. */
function magnitudes(context: StepContext, step: Step): Float32Array {
  const values = context.values.slice();
  values[step.input] = values[step.input].map(abs);
  return accumulate({ ...context, values }, step);
}

function absolutes(tensors: ProgramTensors, key: string): ProgramTensors {
  const data = (tensors[key].data as Float32Array).map(abs);
  return { ...tensors, [key]: { type: "float32", shape: tensors[key].shape, data } };
}

/** One level where a number lies between two, and rounding. */
function levelErrors({ program, values }: StepContext, step: QuantiseStep): Float64Array {
  const x = values[step.input];
  const channels = program.values[step.input].shape[2];
  const levels = levelsOf(step.bits);
  const groups = step.group === "image" ? 1 : channels;
  const grids = Array.from({ length: groups }, (_, start) => {
    return rangeOf(x, { start, stride: groups, count: x.length / groups }, step.clip);
  });
  return Float64Array.from(x, (v, i) => {
    const { low, range } = grids[groups === 1 ? 0 : i % channels];
    const position = ((clipped(v, step.clip) - low) / range) * levels;
    const toBorder = abs(position - Math.floor(position) - 0.5);
    const between = toBorder <= 8 * U * (position + 1);
    return (between ? range / levels : 0) + 8 * U * (abs(low) + range);
  });
}

interface BoundedResult {
  readonly register: Bounded;
  readonly write?: BoundedWrite;
}

function boundedOp(
  context: StepContext,
  op: MicroOp,
  shape: MapShape,
  registers: readonly Bounded[],
): BoundedResult {
  if (isComputing(op)) return { register: computed(context, op, shape, registers) };
  if (op[0] === "load") return { register: loaded(context, op[1], shape) };
  const register = registers[op[1]];
  switch (op[0]) {
    case "store": {
      const rounded = context.program.values[op[2]].type === "bfloat16";
      const stored = rounded ? narrowed(register) : register;
      return { register, write: { ...stored, shape, value: op[2], offset: op[3] } };
    }
    case "bits": {
      const thresholds = context.tensors[op[2]].data;
      const signs = signsOf(register, thresholds, op[5] === 1);
      return { register, write: { ...signs, shape, value: op[3], offset: op[4] } };
    }
    case "mean": {
      const [height, width, channels] = shape;
      const means = meansOf(register, shape, [height, width]);
      return {
        register,
        write: { ...means, shape: [1, 1, channels], value: op[2], offset: op[3] },
      };
    }
    case "mean-2x2": {
      const [height, width, channels] = shape;
      const means = meansOf(register, shape, [2, 2]);
      const half = [height / 2, width / 2, channels] as const;
      return { register, write: { ...means, shape: half, value: op[2], offset: op[3] } };
    }
    default:
      return op satisfies never;
  }
}

function computed(
  { tensors }: StepContext,
  op: Computing,
  shape: MapShape,
  registers: readonly Bounded[],
): Bounded {
  const channels = shape[2];
  const operands = MICRO_OPS[op[0]].map((sort, k) => {
    const operand = op[k + 1];
    if (sort === "number" || sort === "zero") return () => [operand as number, 0] as const;
    if (sort === "tensor") {
      const { data } = tensors[operand as string];
      return (i: number) => [data[i % channels], 0] as const;
    }
    const { x, e } = registers[operand as number];
    return (i: number) => [x[i], e[i]] as const;
  });
  const none = () => [Number.NaN, 0] as const;
  const [first, second = none, third = none] = operands;
  const size = elementCount(shape);
  const result = { x: new Float32Array(size), e: new Float64Array(size) };
  for (let i = 0; i < size; i++) {
    const [r, a, b] = [first(i), second(i), third(i)];
    result.x[i] = COMPUTE[op[0]](r[0], a[0], b[0]);
    result.e[i] = ERRORS[op[0]](r, a, b);
  }
  return result;
}

function loaded({ program, values }: StepContext, id: ValueId, shape: MapShape): Bounded {
  const { kind, shape: from } = program.values[id];
  const x = new Float32Array(elementCount(shape)).map((_, i) => {
    const pixel = kind === "vector" ? 0 : Math.floor(i / shape[2]);
    return values[id][pixel * from[2] + ((i % shape[2]) % from[2])];
  });
  return { x, e: new Float64Array(x.length) };
}

/** Rounded to bfloat16: a step more where the bound crosses the middle between two. */
function narrowed({ x, e }: Bounded): Bounded {
  const ends = e.map((bound, i) => {
    const rounded = roundToBfloat16(x[i]);
    const [low, high] = [x[i] - bound, x[i] + bound].map((end) =>
      roundToBfloat16(Math.fround(end)),
    );
    return max(high - rounded, rounded - low);
  });
  return { x: x.map(roundToBfloat16), e: ends };
}

function signsOf({ x, e }: Bounded, thresholds: ArrayLike<number>, atIt: boolean): Bounded {
  const threshold = (i: number) => thresholds[i % thresholds.length];
  return {
    x: x.map((r, i) => (r > threshold(i) || (atIt && r === threshold(i)) ? 1 : -1)),
    e: e.map((bound, i) => (bound > 0 && abs(x[i] - threshold(i)) <= bound ? 2 : 0)),
  };
}

/** Means of windows side by side. */
function meansOf(
  { x, e }: Bounded,
  [height, width, channels]: MapShape,
  [rows, columns]: readonly [number, number],
): Bounded {
  const area = rows * columns;
  const across = width / columns;
  const size = (height / rows) * across * channels;
  const result = { x: new Float32Array(size), e: new Float64Array(size) };
  for (let i = 0; i < size; i++) {
    const window = Math.floor(i / channels);
    const [top, left] = [Math.floor(window / across) * rows, (window % across) * columns];
    let [sum, bound, magnitude] = [0, 0, 0];
    for (let k = 0; k < area; k++) {
      const pixel = (top + Math.floor(k / columns)) * width + left + (k % columns);
      const at = pixel * channels + (i % channels);
      sum += x[at];
      bound += e[at];
      magnitude += abs(x[at]);
    }
    result.x[i] = sum / area;
    result.e[i] = (bound + (area * U + DIVISION) * magnitude) / area + U * abs(result.x[i]);
  }
  return result;
}
