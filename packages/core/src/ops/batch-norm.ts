import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { float } from "../onnx/lowering.js";
import type { Op } from "./op.js";

export type BatchNormAttributes = {
  readonly epsilon: number;
  /** Weight of the batch in the running statistics. */
  readonly momentum: number;
};

/**
 * Batch normalisation of a map, per channel.
 *
 *   y = (x - mean) / sqrt(var + epsilon) * weight + bias
 *
 * Training: mean and (biased) variance of the batch, over N, H, W. Inference: the running ones.
 *
 * x, y: [N, C, H, W]. weight, bias, running mean and variance: [C]. Further outputs, all [C]:
 *   mean, var                        new running values: (1 - momentum) * old + momentum * batch,
 *                                    var from the unbiased batch variance (inference: the old ones)
 *   batch-mean, batch-inverse-std    what normalised: mean and 1 / sqrt(var + epsilon)
 *
 * Gradients flow through y only. Source: Ioffe and Szegedy (arXiv 1502.03167).
 */
export const batchNorm: Op<BatchNormAttributes> = {
  name: "batch-norm",
  extraOutputs: ["mean", "var", "batch-mean", "batch-inverse-std"],
  infer([x, ...vectors]) {
    if (x.shape.length !== 4) throw new OnebitError(`input must be [N, C, H, W], is [${x.shape}]`);
    const wrong = vectors.find(({ shape }) => shape.length !== 1 || shape[0] !== x.shape[1]);
    if (wrong)
      throw new OnebitError(
        `[${x.shape[1]}] wanted for ${x.shape[1]} channels, is [${wrong.shape}]`,
      );
    return [x, ...Array.from({ length: 4 }, () => vectors[0])];
  },
  evaluate([x, weight, bias, oldMean, oldVar], { epsilon, momentum }, context) {
    const [n, c, h, w] = x.shape;
    const plane = h * w;
    const count = n * plane;
    const y = context.array(x.data.length);
    const vector = () => context.array(c);
    const [mean, variance, batchMean, inverseStd] = [vector(), vector(), vector(), vector()];
    for (let channel = 0; channel < c; channel++) {
      const each = (visit: (i: number) => void) => {
        for (let image = 0; image < n; image++) {
          const from = (image * c + channel) * plane;
          for (let i = from; i < from + plane; i++) visit(i);
        }
      };
      let [m, v] = [oldMean.data[channel], oldVar.data[channel]];
      mean[channel] = m;
      variance[channel] = v;
      if (context.mode === "training") {
        [m, v] = [0, 0];
        each((i) => {
          m += x.data[i] / count;
        });
        each((i) => {
          v += (x.data[i] - m) ** 2 / count;
        });
        mean[channel] += momentum * (m - mean[channel]);
        variance[channel] += momentum * (v * besselCorrection(count) - variance[channel]);
      }
      batchMean[channel] = m;
      inverseStd[channel] = 1 / Math.sqrt(v + epsilon);
      const scale = weight.data[channel] / Math.sqrt(v + epsilon);
      each((i) => {
        y[i] = (x.data[i] - m) * scale + bias.data[channel];
      });
    }
    const vectors = [mean, variance, batchMean, inverseStd];
    return [{ shape: x.shape, data: y }, ...vectors.map((data) => ({ shape: [c], data }))];
  },
  gradient({ b, inputs: [x, weight], outputs, gradOutputs: [g], needs }) {
    if (!g) return [];
    const grads = b.opOutputs("batch-norm-gradient", [g, x, weight, outputs[3], outputs[4]]);
    return grads.map((grad, i) => (needs[i] ? grad : undefined));
  },
  cost: ([x]) => ({ macs: 0, elementwise: 2 * sizeOf(x.shape) }),
  lower: (l, attrs) => (l.mode === "training" ? lowerTraining(l, attrs) : lowerInference(l, attrs)),
};

/** Unbiased / biased variance; a single value has no unbiased one and keeps the biased. */
function besselCorrection(count: number): number {
  return count > 1 ? count / (count - 1) : 1;
}

function lowerInference(l: Lowering, { epsilon }: BatchNormAttributes): string[] {
  const [, , , mean, variance] = l.inputs;
  const y = l.emit("BatchNormalization", l.inputs, { epsilon: float(epsilon) });
  const inverseStd = lowerInverseStd(l, variance, epsilon);
  return [y, mean, variance, mean, inverseStd];
}

function lowerInverseStd(l: Lowering, variance: string, epsilon: number): string {
  const std = l.emit("Sqrt", [l.emit("Add", [variance, l.constant(epsilon)])]);
  return l.emit("Reciprocal", [std]);
}

function lowerTraining(l: Lowering, { epsilon, momentum }: BatchNormAttributes): string[] {
  const [x, weight, bias, oldMean, oldVar] = l.inputs;
  const [n, c, h, w] = l.shape(0);
  const count = n * h * w;
  const axes = [0, 2, 3];
  const mean4 = l.emit("ReduceMean", [x], { axes, keepdims: 1 });
  const centred = l.emit("Sub", [x, mean4]);
  const squares = l.emit("ReduceMean", [l.emit("Mul", [centred, centred])], { axes, keepdims: 0 });
  const inverseStd = lowerInverseStd(l, squares, epsilon);
  const scale = l.reshape(l.emit("Mul", [weight, inverseStd]), [1, c, 1, 1]);
  const y = l.emit("Add", [l.emit("Mul", [centred, scale]), l.reshape(bias, [1, c, 1, 1])]);
  const mean = l.reshape(mean4, [c]);
  const unbiased = l.emit("Mul", [squares, l.constant(besselCorrection(count))]);
  return [
    y,
    lowerRunning(l, oldMean, mean, momentum),
    lowerRunning(l, oldVar, unbiased, momentum),
    mean,
    inverseStd,
  ];
}

function lowerRunning(l: Lowering, old: string, batch: string, momentum: number): string {
  const kept = l.emit("Mul", [old, l.constant(1 - momentum)]);
  return l.emit("Add", [kept, l.emit("Mul", [batch, l.constant(momentum)])]);
}
