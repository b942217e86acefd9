import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, network, prelu, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, type Form, inputShape, type Switches } from "./options.js";
import { checkStages, downsample, resnetStages } from "./resnet-like.js";
import { unscaledConv } from "./unscaled-conv.js";

/** A Real-to-Binary network of any width and depth. */
export interface RealToBinaryOptions extends BuildOptions, Pick<Switches, "estimator"> {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** One-convolution blocks of each of four stages: 4, 4, 4, 4. */
  readonly depths?: readonly number[];
  /** Channels divided by this inside a gate: 8. */
  readonly seReduction?: number;
}

/** As Keras has them; "same" padding of the stem is a pixel on either side here, there two on one. */
const keras = { epsilon: 1e-3, momentum: 0.01 };

/**
 * Real-to-Binary Net: a shortcut around every convolution of a ResNet-18, and a gate that looks at what the sign
 * is taken of.
 *
 *   n = BN(x)
 *   out = PReLU(BinConv3x3(sign(n)) * g(n)) + shortcut
 *   g(n) = sigmoid(W2 relu(W1 mean(n)))                W1: to 1/8 of n's channels; no biases, no scale of weights
 *
 * Its stages of training are its forms: real (tanh for the sign), step1 (sign, real weights), binary.
 *
 * The stem's activation is a PReLU as in Larq Zoo's code, whose parameters are counted here; the article has a ReLU.
 * Source: Martinez et al. (openreview BJg4NgBKvH); larq/zoo at 097167a, larq_zoo/literature/real_to_bin_nets.py.
 */
export function realToBinary(name: string, options: RealToBinaryOptions): Graph {
  const { classes, form = "binary", width = 64, depths = [4, 4, 4, 4], seReduction = 8 } = options;
  const settings = { form, estimator: options.estimator, reduction: seReduction };
  checkStages(name, width, depths);
  return network(name, inputShape(options), (b, x) => {
    const conv = conv2d(b, "conv1", x, { out: width, kernel: 7, stride: 2, role: "stem" });
    const start = prelu(b, "prelu", batchNorm(b, "bn1", conv, "bn1", keras));
    const pooling = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };
    const pooled = b.op("max-pool", [start], pooling, "maxpool");
    const map = resnetStages(b, pooled, { width, depths, first: 1 }, (key, u, shape) =>
      unit(b, key, u, shape, settings),
    );
    return classifierHead(b, map, classes);
  });
}

interface Settings extends Pick<Switches, "estimator"> {
  readonly form: Form;
  readonly reduction: number;
}

function unit(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride }: { readonly out: number; readonly stride: number },
  { form, estimator = "clip", reduction }: Settings,
): string {
  const k = (name: string) => `${key}.${name}`;
  const normed = batchNorm(b, k("bn"), x, k("bn"), keras);
  const signs =
    form === "real" ? tanh(b, k("tanh"), normed) : sign(b, k("sign"), normed, { estimator });
  const y = unscaledConv(b, k("conv"), signs, { out, kernel: 3, stride }, { form });
  const scaled = b.op("mul", [y, gate(b, k("gate"), normed, out, reduction)], {}, k("scaled"));
  const fits = stride === 1 && b.shape(x)[1] === out;
  const shortcut = fits ? x : downsample(b, k("downsample"), x, { out, stride, norm: keras });
  return b.op("add", [prelu(b, k("prelu"), scaled), shortcut], {}, key);
}

function gate(b: GraphBuilder, key: string, x: string, out: number, reduction: number): string {
  const pooled = b.op("global-average-pool", [x], {}, `${key}.0`);
  const hidden = Math.max(1, Math.floor(b.shape(x)[1] / reduction));
  const dense = { kernel: 1, role: "gate" } as const;
  const squeezed = b.op(
    "relu",
    [conv2d(b, `${key}.1`, pooled, { ...dense, out: hidden })],
    {},
    `${key}.2`,
  );
  return b.op("sigmoid", [conv2d(b, `${key}.3`, squeezed, { ...dense, out })], {}, `${key}.4`);
}

/** 2 sigmoid(2 x) - 1. */
function tanh(b: GraphBuilder, name: string, x: string): string {
  const double = (value: string, label: string) =>
    b.op("mul", [value, b.constant(2)], {}, `${name}.${label}`);
  const half = b.op("sigmoid", [double(x, "twice")], {}, `${name}.sigmoid`);
  return b.op("add", [double(half, "spread"), b.constant(-1)], {}, name);
}

export const realToBinaryModels: ModelEntries = {
  "real-to-binary": {
    ...imagenet,
    family: "real-to-binary",
    paper: "arXiv 2003.11535",
    checkpoints: "https://github.com/larq/zoo (Keras)",
    description: "Real-to-Binary Net on ResNet-18: gates on the inputs of 1-bit convolutions",
    switches: ["width", "depths", "seReduction", "estimator"],
    defaults: { depths: [4, 4, 4, 4] },
    preprocess: imagenetPreprocess(256, "bilinear"),
    published: onImagenet({
      top1: 0.654,
      ops: 1.83e8,
      mebibytes: 5.13,
      source:
        "openreview BJg4NgBKvH, operations as printed in liuzechun/ReActNet README; size of larq/zoo",
    }),
    build: realToBinary,
  },
};
