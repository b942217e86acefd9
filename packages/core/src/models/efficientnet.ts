import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, type ConvOptions, conv2d, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape } from "./options.js";
import { heInit } from "./resnet.js";
import { exciteMap, swish } from "./squeeze-excite.js";

/** Of each stage of B0: expansion, kernel, stride of the first block, channels, blocks. Table 1 of the article. */
const stages = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;

/** How much wider and deeper than B0. */
interface Scaling {
  readonly width: number;
  readonly depth: number;
}

/**
 * EfficientNet with real weights: MobileNetV2's blocks with swish, 3x3 and 5x5 kernels, and a squeeze and excite of a quarter of the
 * block's input before they narrow. No stochastic depth, no dropout.
 *
 * Source: Tan and Le (arXiv 1905.11946); keys of torchvision.models.efficientnet.
 */
function efficientnet(name: string, options: BuildOptions, { width, depth }: Scaling): Graph {
  const wide = (channels: number) => divisible(channels * width);
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: wide(32), kernel: 3, stride: 2, role: "stem" } as const;
    let map = convNormSwish(b, "features.0", x, stem);
    for (const [s, [expansion, kernel, stride, channels, blocks]] of stages.entries()) {
      const count = Math.ceil(blocks * depth);
      for (let i = 0; i < count; i++) {
        const block = { expansion, kernel, out: wide(channels), stride: i ? 1 : stride };
        map = stageOutput(b, mbconv(b, `features.${s + 1}.${i}`, map, block));
      }
    }
    const last = { out: 4 * wide(320), kernel: 1 } as const;
    const features = convNormSwish(b, `features.${stages.length + 1}`, map, last);
    return classifierHead(b, features, options.classes, { key: "classifier.1" });
  });
}

/** The nearest multiple of 8, but not less than 0.9 of it. */
function divisible(channels: number): number {
  const rounded = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return rounded < 0.9 * channels ? rounded + 8 : rounded;
}

interface Block {
  readonly expansion: number;
  readonly kernel: number;
  readonly out: number;
  readonly stride: number;
}

function mbconv(
  b: GraphBuilder,
  key: string,
  x: string,
  { expansion, kernel, out, stride }: Block,
): string {
  const width = b.shape(x)[1];
  const wide = width * expansion;
  const expand = expansion > 1 ? [{ out: wide, kernel: 1 } as const] : [];
  const convs = [...expand, { out: wide, kernel, stride, groups: wide }];
  let map = x;
  for (const [i, conv] of convs.entries()) map = convNormSwish(b, `${key}.block.${i}`, map, conv);
  const at = convs.length;
  const hidden = Math.max(1, Math.floor(width / 4));
  const gated = exciteMap(b, `${key}.block.${at}`, map, { hidden, activation: "swish" });
  const y = convNorm(b, `${key}.block.${at + 1}`, gated, { out, kernel: 1 });
  return stride === 1 && width === out ? b.op("add", [x, y], {}, key) : y;
}

/** Convolution `${key}.0` and batch-norm `${key}.1`. */
function convNorm(b: GraphBuilder, key: string, x: string, conv: ConvOptions): string {
  const init = heInit(conv.kernel, conv.out / (conv.groups ?? 1));
  return batchNorm(b, `${key}.1`, conv2d(b, `${key}.0`, x, { ...conv, init }));
}

function convNormSwish(b: GraphBuilder, key: string, x: string, conv: ConvOptions): string {
  return swish(b, convNorm(b, key, x, conv), `${key}.2`);
}

const family = {
  ...imagenet,
  family: "efficientnet",
  paper: "arXiv 1905.11946",
  forms: ["real"],
  switches: [],
  defaults: {},
} satisfies Partial<ModelEntry>;

const source = "torchvision.models, IMAGENET1K_V1";

export const efficientnetModels: ModelEntries = {
  "efficientnet-b0": {
    ...family,
    description: "float EfficientNet-B0: a teacher of BNext",
    preprocess: imagenetPreprocess(256, "bicubic"),
    published: onImagenet({ top1: 0.77692, ops: 0.386e9, mebibytes: 20.5, source }),
    build: (name, options) => efficientnet(name, options, { width: 1, depth: 1 }),
  },
  "efficientnet-b2": {
    ...family,
    input: [3, 288, 288],
    description: "float EfficientNet-B2, for 288 pixels: a teacher of BNext",
    preprocess: { ...imagenetPreprocess(288, "bicubic"), size: [288, 288] },
    published: onImagenet({ top1: 0.80608, ops: 1.088e9, mebibytes: 35.2, source }),
    build: (name, options) => efficientnet(name, options, { width: 1.1, depth: 1.2 }),
  },
};
