import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, type ConvOptions, conv2d, network } from "../graph/layers.js";
import type { Graph, Init } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, inputShape, type Stem } from "./options.js";
import { checkStages, resnetStages, resnetStem } from "./resnet-like.js";

/** A float ResNet of any width and depth. */
export interface ResnetOptions extends BuildOptions {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** Blocks of each of four stages: 2, 2, 2, 2. */
  readonly depths?: readonly number[];
  /** Blocks of three convolutions whose last one is four times as wide. */
  readonly bottleneck?: boolean;
  readonly stem?: Stem;
}

/**
 * ResNet with real weights, in torchvision's form: a bottleneck's stride is that of its 3x3
 * convolution ("v1.5"), a shortcut that does not fit is a 1x1 convolution and a batch-norm.
 *
 *   basic        out = relu(BN(conv3x3(relu(BN(conv3x3(x))))) + shortcut)
 *   bottleneck   out = relu(BN(conv1x1(relu(BN(conv3x3(relu(BN(conv1x1(x)))))))) + shortcut)
 *
 * Source: He et al. (arXiv 1512.03385), section 4.1; keys of torchvision.models.resnet.
 */
export function resnet(name: string, options: ResnetOptions): Graph {
  const { classes, width = 64, depths = [2, 2, 2, 2], stem = "imagenet" } = options;
  checkStages(name, width, depths);
  const block = options.bottleneck ? bottleneckBlock : basicBlock;
  return network(name, inputShape(options), (b, x) => {
    const start = resnetStem(b, x, { out: width, stem, relu: "relu", init: heInit(stem, width) });
    const map = resnetStages(b, start, { width, depths, first: 1 }, (key, u, shape) =>
      block(b, key, u, { ...shape, shortcut: projection }),
    );
    return classifierHead(b, map, classes);
  });
}

/** A block's shape and what stands in its shortcut where it does not fit. */
export interface ResidualBlock {
  readonly out: number;
  readonly stride: number;
  readonly shortcut: Shortcut;
}

export type Shortcut = (
  b: GraphBuilder,
  key: string,
  x: string,
  shape: { readonly out: number; readonly stride: number },
) => string;

/** Two 3x3 convolutions, `conv1` and `conv2`. */
export function basicBlock(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride, shortcut }: ResidualBlock,
): string {
  const hidden = convNormRelu(b, key, 1, x, { out, kernel: 3, stride });
  const y = convNorm(b, key, 2, hidden, { out, kernel: 3 });
  return closed(b, key, x, y, { out, stride, shortcut });
}

/** 1x1, 3x3 and 1x1 convolutions, `conv1` to `conv3`; the block is four times as wide as they are. */
function bottleneckBlock(
  b: GraphBuilder,
  key: string,
  x: string,
  { out: width, stride, shortcut }: ResidualBlock,
): string {
  const out = 4 * width;
  const narrow = convNormRelu(b, key, 1, x, { out: width, kernel: 1 });
  const hidden = convNormRelu(b, key, 2, narrow, { out: width, kernel: 3, stride });
  const y = convNorm(b, key, 3, hidden, { out, kernel: 1 });
  return closed(b, key, x, y, { out, stride, shortcut });
}

/** relu(y + shortcut), named as the block. */
function closed(
  b: GraphBuilder,
  key: string,
  x: string,
  y: string,
  { out, stride, shortcut }: ResidualBlock,
): string {
  const fits = stride === 1 && b.shape(x)[1] === out;
  const r = fits ? x : shortcut(b, key, x, { out, stride });
  return b.op("relu", [b.op("add", [y, r], {}, `${key}.add`)], {}, key);
}

function convNorm(b: GraphBuilder, key: string, n: number, x: string, conv: ConvOptions): string {
  const init = heInit(conv.kernel, conv.out);
  return batchNorm(b, `${key}.bn${n}`, conv2d(b, `${key}.conv${n}`, x, { ...conv, init }));
}

function convNormRelu(
  b: GraphBuilder,
  key: string,
  n: number,
  x: string,
  conv: ConvOptions,
): string {
  return b.op("relu", [convNorm(b, key, n, x, conv)], {}, `${key}.relu${n}`);
}

/** `downsample.0`, a strided 1x1 convolution, and `downsample.1`, its batch-norm. */
export const projection: Shortcut = (b, key, x, { out, stride }) => {
  const conv = { out, kernel: 1, stride, role: "shortcut", init: heInit(1, out) } as const;
  const y = conv2d(b, `${key}.downsample.0`, x, conv);
  return batchNorm(b, `${key}.downsample.1`, y);
};

/** Normal with variance 2 / (kernel area * outputs), as torchvision starts ResNets. */
export function heInit(kernel: number | Stem, out: number): Init {
  const side = kernel === "imagenet" ? 7 : kernel === "small" ? 3 : kernel;
  return { kind: "normal", std: Math.sqrt(2 / (side * side * out)) };
}

const family = {
  ...imagenet,
  family: "resnet",
  paper: "arXiv 1512.03385",
  checkpoints: "torchvision",
  forms: ["real"],
  switches: ["width", "depths", "bottleneck", "stem"],
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: resnet,
} satisfies Partial<ModelEntry>;

/** Its multiply-adds, as torchvision counts them, are all real. */
const torchvision = (top1: number, ops: number, mebibytes: number) =>
  onImagenet({ top1, ops, mebibytes, source: "torchvision.models, IMAGENET1K_V1" });

export const resnetModels: ModelEntries = {
  "resnet-18": {
    ...family,
    description: "float ResNet-18: a teacher",
    defaults: { depths: [2, 2, 2, 2], bottleneck: false },
    published: torchvision(0.69758, 1.814e9, 44.7),
  },
  "resnet-34": {
    ...family,
    description: "float ResNet-34: ReActNet's teacher",
    defaults: { depths: [3, 4, 6, 3], bottleneck: false },
    published: torchvision(0.73314, 3.664e9, 83.3),
  },
  "resnet-50": {
    ...family,
    description: "float ResNet-50: a teacher",
    defaults: { depths: [3, 4, 6, 3], bottleneck: true },
    published: torchvision(0.7613, 4.089e9, 97.8),
  },
  "resnet-101": {
    ...family,
    description: "float ResNet-101: a teacher",
    defaults: { depths: [3, 4, 23, 3], bottleneck: true },
    published: torchvision(0.77374, 7.801e9, 170.5),
  },
  "resnet-152": {
    ...family,
    description: "float ResNet-152: a teacher",
    defaults: { depths: [3, 8, 36, 3], bottleneck: true },
    published: torchvision(0.78312, 11.514e9, 230.4),
  },
};
