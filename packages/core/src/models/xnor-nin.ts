import { UsageError } from "../errors.js";
import { batchNorm, conv2d, globalAveragePool, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { type ModelEntries, withWidths } from "./entry.js";
import { stageOutput } from "./head.js";
import { type BuildOptions, inputShape, type Switches } from "./options.js";
import { xnorLayer, xnorSwitches } from "./xnor-conv.js";

/** A Network-in-Network of any widths. */
export interface XnorNinOptions
  extends BuildOptions,
    Pick<Switches, (typeof xnorSwitches)[number]> {
  /** Channels of the stem and of seven binary convolutions. */
  readonly widths: readonly number[];
}

/** Kernels of the binary convolutions, by their place in the sequence; between them stand two poolings. */
const kernels: readonly (readonly [place: number, kernel: number])[] = [
  [3, 1],
  [4, 1],
  [6, 5],
  [7, 1],
  [8, 1],
  [10, 3],
  [11, 1],
];
const pooling = { kernel: [3, 3], stride: [2, 2], padding: [1, 1] };

const published: readonly number[] = [192, 160, 96, 192, 192, 192, 192, 192];

/**
 * XNOR-Net on Network-in-Network, for CIFAR-10: a real 5x5 convolution, seven binary ones and a real 1x1
 * classifier, whose ReLU is averaged over the map. Every pass first raises the weights of batch-norms to 0.01.
 * Dropout of 0.5, before the 5x5 and the 3x3 convolution, is left out.
 *
 * Source: keys of jiecaoyu/XNOR-Net-PyTorch at 1354a0d, CIFAR_10/models/nin.py.
 */
export function xnorNin(name: string, options: XnorNinOptions): Graph {
  const { widths, classes, form = "binary", estimator, weightEstimator } = options;
  checkWidths(name, widths);
  const settings = { form, estimator, weightEstimator, norm: { leastWeight: 0.01 } };
  const plain = { epsilon: 1e-4, affine: false };
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: widths[0], kernel: 5, bias: true, role: "stem" } as const;
    const normed = batchNorm(b, "xnor.1", conv2d(b, "xnor.0", x, stem), "xnor.1", plain);
    let map = b.op("relu", [normed], {}, "xnor.2");
    kernels.forEach(([place, kernel], i) => {
      map = xnorLayer(b, `xnor.${place}`, map, { out: widths[i + 1], kernel }, settings);
      if (place === 4) map = b.op("max-pool", [stageOutput(b, map)], pooling, "xnor.5");
      if (place === 8) map = b.op("average-pool", [stageOutput(b, map)], pooling, "xnor.9");
    });
    const last = batchNorm(b, "xnor.12", stageOutput(b, map), "xnor.12", plain);
    b.output("features", globalAveragePool(b, "features", last));
    const classifier = { out: classes, kernel: 1, bias: true, role: "classifier" } as const;
    const scores = b.op("relu", [conv2d(b, "xnor.13", last, classifier)], {}, "xnor.14");
    return globalAveragePool(b, "xnor.15", scores);
  });
}

function checkWidths(name: string, widths: readonly number[]): void {
  const whole = (n: number) => Number.isSafeInteger(n) && n > 0;
  if (widths.length === published.length && widths.every(whole)) return;
  throw new UsageError(
    `${name}: widths ${JSON.stringify(widths)} must be eight positive whole numbers, of the stem and seven binary convolutions, such as ${published}`,
  );
}

export const xnorNinModels: ModelEntries = {
  "xnor-nin": {
    family: "xnor-nin",
    paper: "arXiv 1603.05279",
    checkpoints: "https://github.com/jiecaoyu/XNOR-Net-PyTorch",
    description: "XNOR-Net on Network-in-Network, for CIFAR-10",
    classes: 10,
    input: [3, 32, 32],
    switches: ["widths", ...xnorSwitches],
    defaults: { widths: published },
    preprocess: {
      ...{ size: [32, 32], channels: 3, resize: 32, crop: "center", interpolation: "bilinear" },
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.2023, 0.1994, 0.201],
    },
    published: { dataset: "CIFAR-10", top1: 0.8628, source: "jiecaoyu/XNOR-Net-PyTorch README" },
    build: (name, options) => xnorNin(name, withWidths(name, options)),
  },
};
