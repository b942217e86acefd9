import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { forEachInChannel } from "./channel-loop.js";
import { lowerBatchSum, lowerChannelAffine, lowerMapDots, lowerMapSums } from "./channel-passes.js";
import { channelShape, expectFloats } from "./checks.js";
import type { Op } from "./op.js";

export type BatchNormGradientAttributes = {
  /** As batch-norm's: the statistics are constants. */
  readonly frozen?: boolean;
};

/**
 * Gradient of batch-norm, with z = (x - mean) * inverseStd and M = N * H * W:
 *
 *   dweight = sum g * z        dbias = sum g
 *   training    dx = weight * inverseStd * (g - dbias / M - z * dweight / M)
 *   inference   dx = weight * inverseStd * g          (the statistics are constants; so where it is frozen)
 *
 * g, x, dx: [N, C, H, W]. weight, mean, inverseStd (batch-norm's outputs batch-mean and
 * batch-inverse-std): [C]. Further outputs: weight, bias, both [C].
 */
export const batchNormGradient: Op<BatchNormGradientAttributes> = {
  name: "batch-norm-gradient",
  extraOutputs: ["weight", "bias"],
  infer(inputs) {
    expectFloats(inputs, "g", "x", "weight", "mean", "inverseStd");
    const [g, x, weight] = inputs;
    if (g.shape.join() !== x.shape.join()) {
      throw new OnebitError(`gradient [${g.shape}] and input [${x.shape}] differ in shape`);
    }
    return [x, weight, weight];
  },
  evaluate([g, x, weight, mean, inverseStd], { frozen }, context) {
    const [n, c, h, w] = x.shape;
    const dx = context.array(x.data.length);
    const [dWeight, dBias] = [context.array(c), context.array(c)];
    // In inference the statistics are constants: nothing flows through them.
    const share = context.mode === "training" && !frozen ? 1 / (n * h * w) : 0;
    for (let channel = 0; channel < c; channel++) {
      const normal = (i: number) => (x.data[i] - mean.data[channel]) * inverseStd.data[channel];
      let [sum, dot] = [0, 0];
      forEachInChannel(x.shape, channel, (i) => {
        sum += g.data[i];
        dot += g.data[i] * normal(i);
      });
      dWeight[channel] = dot;
      dBias[channel] = sum;
      const scale = weight.data[channel] * inverseStd.data[channel];
      forEachInChannel(x.shape, channel, (i) => {
        dx[i] = scale * (g.data[i] - share * (sum + normal(i) * dot));
      });
    }
    return [
      { shape: x.shape, data: dx },
      { shape: [c], data: dWeight },
      { shape: [c], data: dBias },
    ];
  },
  cost: ([g]) => ({ macs: 0, elementwise: 6 * sizeOf(g.shape) }),
  lower,
};

/** training: dx = A * (g - k * x) + A * (k * mean - dbias / M), with k = inverseStd * dweight / M. */
function lower(l: Lowering, { frozen }: BatchNormGradientAttributes): string[] {
  const [g, x, weight, mean, inverseStd] = l.inputs;
  const shape = l.shape(0);
  const [n, c, h, w] = shape;
  const mul = (a: string, b: string) => l.emit("Mul", [a, b]);
  const spread = (vector: string) => l.reshape(vector, channelShape(c, 4));
  const sums = lowerMapSums(l, g, shape);
  const dBias = lowerBatchSum(l, sums);
  // Centred map by map: the difference of the totals would cancel where |mean| is large.
  const centred = l.emit("Sub", [lowerMapDots(l, g, x, shape), mul(sums, mean)]);
  const dWeight = mul(lowerBatchSum(l, centred), inverseStd);
  const scale = mul(weight, inverseStd);
  if (frozen || l.mode === "inference") return [mul(g, spread(scale)), dWeight, dBias];
  const share = l.constant(1 / (n * h * w));
  const slope = mul(mul(dWeight, inverseStd), share);
  const level = l.emit("Sub", [mul(slope, mean), mul(dBias, share)]);
  const tilted = l.emit("Sub", [g, mul(x, spread(slope))]);
  return [lowerChannelAffine(l, tilted, shape, scale, mul(scale, level)), dWeight, dBias];
}
