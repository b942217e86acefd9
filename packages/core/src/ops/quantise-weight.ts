import type { FloatArray, Shape } from "../graph/types.js";
import { clipped, levelCode, levelsOf, levelValue, rangeOf } from "../program/quantiser.js";
import { elementwiseCost } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";
import {
  checkQuantise,
  groupSize,
  lowerQuantiser,
  type QuantiseAttributes,
} from "./quantise-rules.js";

/** In the weight's own order: w = value(codes, lows, ranges) * scales[output channel]. */
export interface QuantisedWeight {
  /** One per element. */
  readonly codes: Uint16Array;
  /** One per group. */
  readonly lows: Float32Array;
  readonly ranges: Float32Array;
  /** 2 mean|w|, one per output channel. */
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
 *
 * w, y: [O, ...]; leading 1: a group per output channel (1x1, linear), 2: one per kernel plane (kxk).
 * Source: hpi-xnor/BNext, utils_quant.py.
 */
export const quantiseWeightOp: Op<QuantiseAttributes> = {
  name: "quantise-weight",
  infer(inputs, attrs) {
    expectFloats(inputs, "weight");
    checkQuantise(inputs[0].shape, attrs);
    return [inputs[0]];
  },
  evaluate([{ shape, data: w }], attrs, context) {
    const data = context.array(w.length);
    data.set(quantiseWeight(w, shape, attrs).values);
    return [{ shape, data }];
  },
  gradient({ b, inputs: [w], gradOutputs: [g], needs }, { clip }) {
    if (!g || !needs[0]) return [];
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
    const mean = l.emit("ReduceMean", [l.emit("Abs", [w])], { axes: axes.slice(1), keepdims: 1 });
    const scale = l.emit("Max", [l.emit("Mul", [mean, l.constant(2)]), l.constant(MIN_SCALE)]);
    const grid = lowerQuantiser(l, l.emit("Div", [w, scale]), l.shape(0), attrs);
    return [l.emit("Mul", [grid, scale])];
  },
};

export function quantiseWeight(
  w: FloatArray,
  shape: Shape,
  { bits, clip, leading }: QuantiseAttributes,
): QuantisedWeight {
  const levels = levelsOf(bits);
  const [outs] = shape;
  const [rowLength, count] = [w.length / outs, groupSize(shape, leading)];
  const scales = scalesOf(w, outs);
  const scaled = Float32Array.from(w, (x, i) => {
    return clipped(Math.fround(Math.fround(x) / scales[Math.floor(i / rowLength)]), clip);
  });
  const codes = new Uint16Array(w.length);
  const values = new Float32Array(w.length);
  const lows = new Float32Array(w.length / count);
  const ranges = new Float32Array(lows.length);
  for (let group = 0; group < lows.length; group++) {
    const start = group * count;
    const range = rangeOf(scaled, { start, stride: 1, count }, clip);
    [lows[group], ranges[group]] = [range.low, range.range];
    const scale = scales[Math.floor(start / rowLength)];
    for (let i = start; i < start + count; i++) {
      codes[i] = levelCode(scaled[i], range, levels);
      values[i] = levelValue(codes[i], range, levels) * scale;
    }
  }
  return { codes, lows, ranges, scales, values };
}

function scalesOf(w: FloatArray, outs: number): Float32Array {
  const length = w.length / outs;
  return Float32Array.from({ length: outs }, (_, o) => {
    let sum = 0;
    for (let i = o * length; i < (o + 1) * length; i++) sum += Math.abs(Math.fround(w[i]));
    return Math.max(2 * Math.fround(sum / length), MIN_SCALE);
  });
}
