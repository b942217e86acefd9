import { OnebitError } from "../errors.js";
import type { FloatArray, Shape } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import type { GroupRange } from "../program/quantiser.js";
import { clipped, levelCode, levelsOf, levelValue, rangeOf } from "../program/quantiser.js";
import { elementwiseCost } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";
import {
  checkQuantise,
  groupSize,
  lowerGrid,
  lowerQuantiser,
  type QuantiseAttributes,
} from "./quantise-rules.js";

export type QuantiseWeightAttributes = QuantiseAttributes & {
  /** The grid has a 0, with as many levels below as above it: clip is 1, leading 1. */
  readonly symmetric?: boolean;
};

/** In the weight's own order: w = value(codes, lows, ranges) * scales[output channel]. */
export interface QuantisedWeight {
  /** One per element. */
  readonly codes: Uint16Array;
  /** One per group. */
  readonly lows: Float32Array;
  readonly ranges: Float32Array;
  /** 2 mean|w|, or max|w| where the grid is symmetric; one per output channel. */
  readonly scales: Float32Array;
  readonly values: Float32Array;
}

/** Floor of the divisor: an output channel of zeros stays zeros. */
const MIN_SCALE = 1e-30;

/**
 * Real weights on a grid of 2^bits levels, each output channel divided by its mean size first:
 *
 *   y = quantise(w / s) * s      s = 2 mean|w| per output channel, a detached factor
 *
 * with the quantiser of the op "quantise"; all in float32. dw = g where |w / s| < clip, else 0.
 * symmetric: s = max|w|, low = -1 and range = (2^bits - 1) / (2^(bits-1) - 1) whatever the weights, so that the
 * levels are the multiples of s / (2^(bits-1) - 1) from -s to s; dw = g.
 *
 * w, y: [O, ...]; leading 1: a group per output channel (1x1, linear), 2: one per kernel plane (kxk).
 * Source: hpi-xnor/BNext, utils_quant.py; symmetric: google/aqt at 4899e8a, aqt/jax_legacy/jax/quantization.py.
 */
export const quantiseWeightOp: Op<QuantiseWeightAttributes> = {
  name: "quantise-weight",
  infer(inputs, attrs) {
    expectFloats(inputs, "weight");
    checkQuantise(inputs[0].shape, attrs);
    checkSymmetric(attrs);
    return [inputs[0]];
  },
  evaluate([{ shape, data: w }], attrs, context) {
    const data = context.array(w.length);
    data.set(quantiseWeight(w, shape, attrs).values);
    return [{ shape, data }];
  },
  gradient({ b, inputs: [w], gradOutputs: [g], needs }, { clip, symmetric }) {
    if (!g || !needs[0]) return [];
    if (symmetric) return [g];
    const axes = b.shape(w).map((_, axis) => axis);
    const size = b.op("abs", [w]);
    const mean = b.op("mean", [size], { axes: axes.slice(1), keepDims: true });
    const bound = b.op("mul", [
      b.op("maximum", [mean, b.constant(MIN_SCALE)]),
      b.constant(2 * clip),
    ]);
    return [b.op("where", [b.op("less", [size, bound]), g, b.constant(0)])];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 14),
  lower(l, attrs) {
    const [w] = l.inputs;
    const axes = l.shape(0).map((_, axis) => axis);
    if (attrs.symmetric) return [lowerSymmetric(l, w, axes.slice(1), attrs.bits)];
    const mean = l.emit("ReduceMean", [l.emit("Abs", [w])], { axes: axes.slice(1), keepdims: 1 });
    const scale = l.emit("Max", [l.emit("Mul", [mean, l.constant(2)]), l.constant(MIN_SCALE)]);
    const grid = lowerQuantiser(l, l.emit("Div", [w, scale]), l.shape(0), attrs);
    return [l.emit("Mul", [grid, scale])];
  },
};

function checkSymmetric({ bits, clip, leading, symmetric }: QuantiseWeightAttributes): void {
  if (!symmetric || (bits > 1 && clip === 1 && leading === 1)) return;
  throw new OnebitError(
    `bits ${bits}, clip ${clip}, leading ${leading}: a symmetric grid wants 2 bits or more, clip 1 and leading 1`,
  );
}

/** From -1, so that there is a level at 0 and as many above as below. */
function symmetricRange(bits: number): GroupRange {
  return { low: -1, range: Math.fround(levelsOf(bits) / levelsOf(bits - 1)) };
}

function lowerSymmetric(l: Lowering, w: string, axes: readonly number[], bits: number): string {
  const largest = l.emit("ReduceMax", [l.emit("Abs", [w])], { axes, keepdims: 1 });
  const scale = l.emit("Max", [largest, l.constant(MIN_SCALE)]);
  const { low, range } = symmetricRange(bits);
  const [lowest, span, levels] = [low, range, levelsOf(bits)].map((x) => l.constant(x));
  const grid = { low: lowest, range: span, levels };
  return l.emit("Mul", [lowerGrid(l, l.emit("Div", [w, scale]), grid), scale]);
}

export function quantiseWeight(
  w: FloatArray,
  shape: Shape,
  { bits, clip, leading, symmetric = false }: QuantiseWeightAttributes,
): QuantisedWeight {
  const levels = levelsOf(bits);
  const [outs] = shape;
  const [rowLength, count] = [w.length / outs, groupSize(shape, leading)];
  const scales = scalesOf(w, outs, symmetric);
  const scaled = Float32Array.from(w, (x, i) => {
    return clipped(Math.fround(Math.fround(x) / scales[Math.floor(i / rowLength)]), clip);
  });
  const codes = new Uint16Array(w.length);
  const values = new Float32Array(w.length);
  const lows = new Float32Array(w.length / count);
  const ranges = new Float32Array(lows.length);
  for (let group = 0; group < lows.length; group++) {
    const start = group * count;
    const range = symmetric
      ? symmetricRange(bits)
      : rangeOf(scaled, { start, stride: 1, count }, clip);
    [lows[group], ranges[group]] = [range.low, range.range];
    const scale = scales[Math.floor(start / rowLength)];
    for (let i = start; i < start + count; i++) {
      codes[i] = levelCode(scaled[i], range, levels);
      values[i] = levelValue(codes[i], range, levels) * scale;
    }
  }
  return { codes, lows, ranges, scales, values };
}

function scalesOf(w: FloatArray, outs: number, symmetric: boolean): Float32Array {
  const length = w.length / outs;
  return Float32Array.from({ length: outs }, (_, o) => {
    let [sum, largest] = [0, 0];
    for (let i = o * length; i < (o + 1) * length; i++) {
      const size = Math.abs(Math.fround(w[i]));
      sum += size;
      if (size > largest) largest = size;
    }
    return Math.max(symmetric ? largest : 2 * Math.fround(sum / length), MIN_SCALE);
  });
}
