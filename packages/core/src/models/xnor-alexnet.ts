import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, linear, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  onImagenet,
  withWidths,
} from "./entry.js";
import { type BuildOptions, inputShape, type Switches } from "./options.js";
import { flattened, xnorLayer, xnorSwitches } from "./xnor-conv.js";

/** An AlexNet of any widths. */
export interface XnorAlexnetOptions
  extends BuildOptions,
    Pick<Switches, (typeof xnorSwitches)[number]> {
  /** Channels of five convolutions and two hidden layers. */
  readonly widths: readonly number[];
}

const published: readonly number[] = [96, 256, 384, 384, 256, 4096, 4096];

/** Sides of the convolutions' kernels, the stem's first. */
const kernels = [11, 5, 3, 3, 3];
/** Convolutions whose output is pooled. */
const pooled = [0, 1, 4];

/**
 * XNOR-Net on AlexNet: a real 11x11 convolution, four binary convolutions, two binary layers and a real
 * classifier; pooling 3x3 with stride 2, unpadded. The hidden layers have a threshold for each element of the
 * last map. Dropout of 0.5, before the second hidden layer and the classifier, is left out.
 *
 * Source: XNOR-Net (arXiv 1603.05279); keys of jiecaoyu/XNOR-Net-PyTorch at 119050f,
 * ImageNet/networks/model_list/alexnet.py.
 */
export function xnorAlexnet(name: string, options: XnorAlexnetOptions): Graph {
  const { widths, classes, form = "binary", estimator, weightEstimator } = options;
  const settings = { form, estimator, weightEstimator };
  checkSizes(name, options);
  return network(name, inputShape(options), (b, x) => {
    let map = pool(b, "features.3", stem(b, x, widths[0]));
    let place = 4;
    for (let i = 1; i < kernels.length; i++) {
      const layer = { out: widths[i], kernel: kernels[i] };
      map = xnorLayer(b, `features.${place++}`, map, layer, settings);
      if (pooled.includes(i)) map = pool(b, `features.${place++}`, map);
    }
    let vector = flattened(b, map, "flatten");
    [widths[5], widths[6]].forEach((out, i) => {
      const layer = { out, kernel: 1, linear: true };
      vector = xnorLayer(b, `classifier.${i}`, vector, layer, settings);
    });
    const normed = batchNorm(b, "classifier.2", vector, "classifier.2", { epsilon: 1e-3 });
    const features = b.op("reshape", [normed], { shape: [0, -1] }, "features");
    b.output("features", features);
    return linear(b, "classifier.4", features, classes);
  });
}

function stem(b: GraphBuilder, x: string, out: number): string {
  const conv = {
    out,
    kernel: kernels[0],
    stride: 4,
    padding: 0,
    bias: true,
    role: "stem",
  } as const;
  const y = conv2d(b, "features.0", x, conv);
  return b.op(
    "relu",
    [batchNorm(b, "features.1", y, "features.1", { epsilon: 1e-4 })],
    {},
    "features.2",
  );
}

function pool(b: GraphBuilder, name: string, x: string): string {
  return b.op("max-pool", [x], { kernel: [3, 3], stride: [2, 2], padding: [0, 0] }, name);
}

/** The last map of smaller images would have no pixel. */
const leastSide = 67;

function checkSizes(name: string, { widths, input: [, height, width] }: XnorAlexnetOptions): void {
  const whole = (n: number) => Number.isSafeInteger(n) && n > 0;
  if (widths.length !== published.length || !widths.every(whole)) {
    throw new UsageError(
      `${name}: widths ${JSON.stringify(widths)} must be seven positive whole numbers, of five convolutions and two hidden layers, such as ${published}`,
    );
  }
  if (Math.min(height, width) < leastSide) {
    throw new UsageError(
      `${name}: images of ${height}x${width} are too small, both sides must be at least ${leastSide}`,
    );
  }
}

export const xnorAlexnetModels: ModelEntries = {
  "xnor-alexnet": {
    ...imagenet,
    input: [3, 227, 227],
    family: "xnor-alexnet",
    paper: "arXiv 1603.05279",
    checkpoints: "https://github.com/jiecaoyu/XNOR-Net-PyTorch",
    description: "XNOR-Net on AlexNet: binary convolutions and hidden layers",
    switches: ["widths", ...xnorSwitches],
    defaults: { widths: published },
    preprocess: {
      ...imagenetPreprocess(256, "bilinear"),
      size: [227, 227],
      resize: [256, 256],
      std: [1 / 255, 1 / 255, 1 / 255],
    },
    published: onImagenet({
      top1: 0.4487,
      source: "jiecaoyu/XNOR-Net-PyTorch README; 0.442 in arXiv 1603.05279",
    }),
    build: (name, options) => xnorAlexnet(name, withWidths(name, options)),
  },
};
