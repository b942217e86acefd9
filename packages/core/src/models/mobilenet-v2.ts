import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, type ConvOptions, conv2d, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape } from "./options.js";
import { heInit } from "./resnet.js";

/** Of each stage: expansion, channels, blocks, stride of the first. Table 2 of the article. */
const stages = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

/**
 * MobileNetV2 with real weights, ReLU6. A block widens by a 1x1 convolution, filters by a depthwise 3x3 and narrows
 * again, linearly; its input is added where the shapes allow.
 *
 * Source: Sandler et al. (arXiv 1801.04381); keys of torchvision.models.mobilenet_v2.
 */
export function mobilenetV2(name: string, options: BuildOptions): Graph {
  return network(name, inputShape(options), (b, x) => {
    let map = convNormRelu6(b, "features.0", x, { out: 32, kernel: 3, stride: 2, role: "stem" });
    let index = 1;
    for (const [expansion, out, blocks, stride] of stages)
      for (let i = 0; i < blocks; i++) {
        const block = { expansion, out, stride: i ? 1 : stride };
        map = stageOutput(b, invertedResidual(b, `features.${index++}`, map, block));
      }
    const last = convNormRelu6(b, `features.${index}`, map, { out: 1280, kernel: 1 });
    return classifierHead(b, last, options.classes, { key: "classifier.1" });
  });
}

interface Block {
  readonly expansion: number;
  readonly out: number;
  readonly stride: number;
}

function invertedResidual(
  b: GraphBuilder,
  key: string,
  x: string,
  { expansion, out, stride }: Block,
): string {
  const width = b.shape(x)[1];
  const wide = width * expansion;
  const convs = expansion > 1 ? [{ out: wide, kernel: 1 } as const] : [];
  const all = [...convs, { out: wide, kernel: 3, stride, groups: wide } as const];
  let map = x;
  for (const [i, conv] of all.entries()) map = convNormRelu6(b, `${key}.conv.${i}`, map, conv);
  const at = all.length;
  const narrow = conv2d(b, `${key}.conv.${at}`, map, { out, kernel: 1, init: heInit(1, out) });
  const y = batchNorm(b, `${key}.conv.${at + 1}`, narrow);
  return stride === 1 && width === out ? b.op("add", [x, y], {}, key) : y;
}

/** Convolution `${key}.0` and batch-norm `${key}.1`. */
function convNormRelu6(b: GraphBuilder, key: string, x: string, conv: ConvOptions): string {
  const init = heInit(conv.kernel, conv.out / (conv.groups ?? 1));
  const y = batchNorm(b, `${key}.1`, conv2d(b, `${key}.0`, x, { ...conv, init }));
  return b.op("clamp", [y], { low: 0, high: 6, when: "always" }, `${key}.2`);
}

export const mobilenetV2Models: ModelEntries = {
  "mobilenet-v2": {
    ...imagenet,
    family: "mobilenet-v2",
    paper: "arXiv 1801.04381",
    description: "float MobileNetV2 1.0",
    forms: ["real"],
    switches: [],
    defaults: {},
    preprocess: imagenetPreprocess(256, "bilinear"),
    published: onImagenet({
      ...{ top1: 0.71878, ops: 0.301e9, mebibytes: 13.6 },
      source: "torchvision.models, IMAGENET1K_V1",
    }),
    build: mobilenetV2,
  },
};
