import { network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import type { ModelEntries, ModelEntry } from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, inputShape } from "./options.js";
import { basicBlock, heInit, projection, type Shortcut } from "./resnet.js";
import { checkStages, resnetStages, resnetStem } from "./resnet-like.js";

/** A float ResNet for small images, of any width and depth. */
export interface ResnetCifarOptions extends BuildOptions {
  /** Channels of the first stage: 16. */
  readonly width?: number;
  /** Blocks of each of three stages: n for the network of 6n + 2 layers. */
  readonly depths?: readonly number[];
  /** Where a block widens. zeros: option A of the article; conv: option B. */
  readonly shortcut?: "zeros" | "conv";
}

/**
 * ResNet for CIFAR with real weights: a 3x3 stem and three stages of widths 16, 32 and 64.
 *
 * Source: He et al. (arXiv 1512.03385), section 4.2; keys of akamaster/pytorch_resnet_cifar10.
 */
export function resnetCifar(name: string, options: ResnetCifarOptions): Graph {
  const { classes, width = 16, depths = [3, 3, 3] } = options;
  checkStages(name, width, depths, 3);
  const shortcut = options.shortcut === "conv" ? projection : zeros;
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: width, stem: "small", relu: "relu", init: heInit(3, width) } as const;
    const map = resnetStages(
      b,
      resnetStem(b, x, stem),
      { width, depths, first: 1 },
      (key, u, shape) => basicBlock(b, key, u, { ...shape, shortcut }),
    );
    return classifierHead(b, map, classes, { key: "linear" });
  });
}

/** Option A: every second pixel, and channels of zeros before and behind, half of the new ones each. */
const zeros: Shortcut = (b, key, x, { out, stride }) => {
  const pick = { kernel: [1, 1], stride: [stride, stride], padding: [0, 0] };
  const picked = b.op("average-pool", [x], pick, `${key}.shortcut.pick`);
  const added = out - b.shape(x)[1];
  const before = Math.floor(added / 2);
  const channels = (count: number) => [0, count, 0, 0];
  const attrs = { before: channels(before), after: channels(added - before), value: 0 };
  return b.op("pad", [picked], attrs, `${key}.shortcut`);
};

const family = {
  family: "resnet-cifar",
  paper: "arXiv 1512.03385",
  checkpoints:
    "https://github.com/akamaster/pytorch_resnet_cifar10, https://github.com/chenyaofo/pytorch-cifar-models",
  classes: 10,
  input: [3, 32, 32],
  forms: ["real"],
  switches: ["width", "depths", "shortcut"],
  preprocess: {
    size: [32, 32],
    channels: 3,
    resize: 32,
    crop: "center",
    interpolation: "bilinear",
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  build: resnetCifar,
} satisfies Partial<ModelEntry>;

/** layers = 6 blocks + 2. */
function entry(blocks: number, top1: number): ModelEntry {
  const source = "He et al., arXiv 1512.03385, table 6";
  return {
    ...family,
    description: `float ResNet-${6 * blocks + 2} for 32 pixel images: a teacher`,
    defaults: { depths: [blocks, blocks, blocks] },
    published: { dataset: "CIFAR-10", top1, source },
  };
}

export const resnetCifarModels: ModelEntries = {
  "resnet-20": entry(3, 0.9125),
  "resnet-32": entry(5, 0.9249),
  "resnet-44": entry(7, 0.9283),
  "resnet-56": entry(9, 0.9303),
  "resnet-110": entry(18, 0.9357),
};
