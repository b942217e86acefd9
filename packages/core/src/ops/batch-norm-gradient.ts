import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";

/**
 * Gradient of batch-norm, with z = (x - mean) * inverseStd and M = N * H * W:
 *
 *   dweight = sum g * z        dbias = sum g
 *   training    dx = weight * inverseStd * (g - dbias / M - z * dweight / M)
 *   inference   dx = weight * inverseStd * g          (the statistics are constants)
 *
 * g, x, dx: [N, C, H, W]. weight, mean, inverseStd (batch-norm's outputs batch-mean and
 * batch-inverse-std): [C]. Further outputs: weight, bias, both [C].
 */
export const batchNormGradient: Op = {
  name: "batch-norm-gradient",
  extraOutputs: ["weight", "bias"],
  infer([g, x, weight]) {
    if (g.shape.join() !== x.shape.join()) {
      throw new OnebitError(`gradient [${g.shape}] and input [${x.shape}] differ in shape`);
    }
    return [x, weight, weight];
  },
  evaluate([g, x, weight, mean, inverseStd], _, context) {
    const [n, c, h, w] = x.shape;
    const plane = h * w;
    const count = n * plane;
    const dx = context.array(x.data.length);
    const [dWeight, dBias] = [context.array(c), context.array(c)];
    for (let channel = 0; channel < c; channel++) {
      const [m, s] = [mean.data[channel], inverseStd.data[channel]];
      const each = (visit: (i: number) => void) => {
        for (let image = 0; image < n; image++) {
          const from = (image * c + channel) * plane;
          for (let i = from; i < from + plane; i++) visit(i);
        }
      };
      let [sum, dot] = [0, 0];
      each((i) => {
        sum += g.data[i];
        dot += g.data[i] * (x.data[i] - m) * s;
      });
      dWeight[channel] = dot;
      dBias[channel] = sum;
      const flows = context.mode === "training" ? 1 / count : 0;
      const scale = weight.data[channel] * s;
      each((i) => {
        const z = (x.data[i] - m) * s;
        dx[i] = scale * (g.data[i] - flows * (sum + z * dot));
      });
    }
    return [
      { shape: x.shape, data: dx },
      { shape: [c], data: dWeight },
      { shape: [c], data: dBias },
    ];
  },
  cost: ([g]) => ({ macs: 0, elementwise: 6 * sizeOf(g.shape) }),
  lower(l) {
    const [g, x, weight, mean, inverseStd] = l.inputs;
    const [n, c, h, w] = l.shape(0);
    const spread = (vector: string) => l.reshape(vector, [1, c, 1, 1]);
    const axes = [0, 2, 3];
    const dBias = l.emit("ReduceSum", [g, l.ints(axes)], { keepdims: 0 });
    const centred = l.emit("Sub", [x, spread(mean)]);
    const dot = l.emit("ReduceSum", [l.emit("Mul", [g, centred]), l.ints(axes)], { keepdims: 0 });
    const dWeight = l.emit("Mul", [dot, inverseStd]);
    const scale = l.emit("Mul", [weight, inverseStd]);
    if (l.mode === "inference") return [l.emit("Mul", [g, spread(scale)]), dWeight, dBias];
    const share = l.constant(1 / (n * h * w));
    const gMean = l.emit("Mul", [dBias, share]);
    const slope = l.emit("Mul", [l.emit("Mul", [dWeight, inverseStd]), share]);
    const flat = l.emit("Sub", [g, spread(gMean)]);
    const tilted = l.emit("Sub", [flat, l.emit("Mul", [centred, spread(slope)])]);
    return [l.emit("Mul", [tilted, spread(scale)]), dWeight, dBias];
  },
};
