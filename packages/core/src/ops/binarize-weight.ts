import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { type FloatArray, type Mode, sizeOf, type Tensor } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { elementwiseCost } from "./broadcast.js";
import { expectFloats, expectOneOf } from "./checks.js";
import type { Op } from "./op.js";
import { lowerSign } from "./sign.js";
import { type WeightEstimator, weightEstimators } from "./weight-estimators.js";

export type BinarizeWeightAttributes = {
  /** channel-mean: multiplied by mean|w| of each output channel, a detached factor. */
  readonly scale: "none" | "channel-mean";
  /**
   * identity: the gradient passes. clip: it passes where |w| <= range. magnitude: as clip, times mean|w| of the
   * output channel, Bi-Real Net's magnitude-aware gradient (arXiv 1808.00278, 3.3). scaled: as magnitude, plus what
   * flows through the scale, sign(w) / n * sum of g sign(w) over the output channel's n weights (XNOR-Net,
   * arXiv 1603.05279, as corrected in jiecaoyu/XNOR-Net-PyTorch).
   */
  readonly estimator: WeightEstimator;
  readonly range: number;
  /** Below this temperature the weights are signs; unused without a temperature. */
  readonly threshold: number;
  readonly zero: -1 | 1;
  /** "inference": there the weights are signs whatever the temperature (BoolNet). Absent: only below the threshold. */
  readonly hardIn?: "inference";
};

/** Floor of the divisor, as published. */
const MIN_TEMPERATURE = 1e-8;

/**
 * Latent weights to binary ones.
 *
 *   without temperature     b = sign(w)
 *   with temperature T      b = T < threshold ? sign(w) : clamp(w / max(T, 1e-8), -1, 1)
 *   y = b, or mean|w| per output channel * b
 *
 * Gradient in training: as the estimator says (the scale is detached and, being part of the value only,
 * does not multiply the gradient). In inference with a temperature: the true one,
 * g / max(T, 1e-8) where |w| <= T, and 0 below the threshold. None for the temperature.
 *
 * w, y: [O, C / groups, KH, KW]. temperature: scalar.
 * Source: ReActNet (arXiv 2003.03488) and BNext (arXiv 2211.12933), official code.
 */
export const binarizeWeight: Op<BinarizeWeightAttributes> = {
  name: "binarize-weight",
  infer(inputs, attrs) {
    expectFloats(inputs, ...(inputs.length > 1 ? ["weight", "temperature"] : ["weight"]));
    const [w, temperature] = inputs;
    if (w.shape.length !== 4) {
      throw new OnebitError(`weight must be [O, I, KH, KW], is [${w.shape}]`);
    }
    if (temperature && sizeOf(temperature.shape) !== 1) {
      throw new OnebitError(`temperature must be a scalar, is [${temperature.shape}]`);
    }
    checkAttributes(attrs);
    return [w];
  },
  evaluate([w, given], attrs, context) {
    const temperature = isHardIn(context.mode, attrs) ? undefined : given;
    const soften = softener(temperature?.data[0], attrs);
    const data = context.array(w.data.length);
    const perChannel = data.length / w.shape[0];
    for (let o = 0; o < w.shape[0]; o++) {
      const from = o * perChannel;
      const scale = attrs.scale === "none" ? 1 : meanMagnitude(w.data, from, perChannel);
      for (let i = from; i < from + perChannel; i++) data[i] = scale * soften(w.data[i]);
    }
    return [{ shape: w.shape, data } satisfies Tensor];
  },
  gradient({ b, mode, inputs: [w, temperature], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    if (mode === "inference" && temperature && !attrs.hardIn)
      return [softGradient(b, w, temperature, g, attrs)];
    if (attrs.estimator === "identity") return [g];
    const { range } = attrs;
    const clipped = b.op("sign-gradient", [w, g], { estimator: "clip", range });
    if (attrs.estimator === "clip") return [clipped];
    const magnitude = b.op("mean", [b.op("abs", [w])], { axes: [1, 2, 3], keepDims: true });
    const scaled = b.op("mul", [clipped, magnitude]);
    if (attrs.estimator === "magnitude") return [scaled];
    return [b.op("add", [scaled, throughScale(b, w, g, attrs)])];
  },
  cost: (_, outputs, { scale }) => elementwiseCost(outputs, scale === "none" ? 1 : 3),
  lower(l, attrs) {
    const [w, given] = l.inputs;
    const temperature = isHardIn(l.mode, attrs) ? undefined : given;
    const binary = temperature ? lowerSoft(l, w, temperature, attrs) : lowerSign(l, w, attrs.zero);
    if (attrs.scale === "none") return [binary];
    const axes = [1, 2, 3];
    const scale = l.emit("ReduceMean", [l.emit("Abs", [w])], { axes, keepdims: 1 });
    return [l.emit("Mul", [binary, scale])];
  },
};

function isHardIn(mode: Mode, { hardIn }: BinarizeWeightAttributes): boolean {
  return hardIn === mode;
}

function checkAttributes(attrs: BinarizeWeightAttributes): void {
  const { scale, estimator, range, zero, hardIn } = attrs;
  if (hardIn !== undefined) expectOneOf("hardIn", hardIn, ["inference"]);
  expectOneOf("scale", scale, ["none", "channel-mean"]);
  expectOneOf("estimator", estimator, weightEstimators);
  expectOneOf("zero", zero, [-1, 1]);
  if (estimator !== "identity" && !(range > 0)) {
    throw new OnebitError(`range ${range}: must be positive`);
  }
}

function softener(
  temperature: number | undefined,
  { threshold, zero }: BinarizeWeightAttributes,
): (w: number) => number {
  if (temperature === undefined || temperature < threshold) {
    return (w) => (w > 0 || (w === 0 && zero === 1) ? 1 : -1);
  }
  const divisor = Math.max(temperature, MIN_TEMPERATURE);
  return (w) => Math.min(1, Math.max(-1, w / divisor));
}

function meanMagnitude(w: FloatArray, from: number, count: number): number {
  let sum = 0;
  for (let i = from; i < from + count; i++) sum += Math.abs(w[i]);
  return sum / count;
}

/** sign(w) times the mean of g sign(w) over each output channel. */
function throughScale(
  b: GraphBuilder,
  w: string,
  g: string,
  { zero }: BinarizeWeightAttributes,
): string {
  const signs = b.op("sign", [w], { estimator: "identity", range: 1, zero });
  const products = b.op("mul", [g, signs]);
  return b.op("mul", [signs, b.op("mean", [products], { axes: [1, 2, 3], keepDims: true })]);
}

function softGradient(
  b: GraphBuilder,
  w: string,
  temperature: string,
  g: string,
  { threshold }: BinarizeWeightAttributes,
): string {
  const divisor = b.op("maximum", [temperature, b.constant(MIN_TEMPERATURE)]);
  const inside = b.op("less-equal", [b.op("abs", [w]), divisor]);
  const hard = b.op("less", [temperature, b.constant(threshold)]);
  const zero = b.constant(0);
  const soft = b.op("where", [inside, b.op("div", [g, divisor]), zero]);
  return b.op("where", [hard, zero, soft]);
}

function lowerSoft(
  l: Lowering,
  w: string,
  temperature: string,
  attrs: BinarizeWeightAttributes,
): string {
  const divisor = l.emit("Max", [temperature, l.constant(MIN_TEMPERATURE)]);
  const isHard = l.emit("Less", [temperature, l.constant(attrs.threshold)]);
  if (l.target === "cpu") return lowerSteep(l, w, divisor, isHard, attrs);
  const clamped = lowerClampTo1(l, l.emit("Div", [w, divisor]));
  return l.emit("Where", [isHard, lowerSign(l, w, attrs.zero), clamped]);
}

/**
 * clamp(w / divisor * factor + offset, -1, 1) serves both sides of the threshold, without booleans
 * as large as w. Hard: divisor and factor are so extreme that even the smallest float32 ends above 2
 * in size, and offset = `zero` decides where w = 0. Soft: factor 1, offset 0.
 */
function lowerSteep(
  l: Lowering,
  w: string,
  divisor: string,
  isHard: string,
  { zero }: BinarizeWeightAttributes,
): string {
  const choose = (hard: number, soft: string) => l.emit("Where", [isHard, l.constant(hard), soft]);
  const scaled = l.emit("Div", [w, choose(2 ** -126, divisor)]);
  const steep = l.emit("Mul", [scaled, choose(2 ** 100, l.constant(1))]);
  return lowerClampTo1(l, l.emit("Add", [steep, choose(zero, l.constant(0))]));
}

function lowerClampTo1(l: Lowering, x: string): string {
  return l.emit("Clip", [x, l.constant(-1), l.constant(1)]);
}
