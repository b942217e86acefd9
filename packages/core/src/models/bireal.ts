import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, network, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, inputShape, type Stem, type Switches } from "./options.js";
import { type ReactSettings, reactConv } from "./reactnet-conv.js";
import { checkStages, downsample, resnetStages, resnetStem } from "./resnet-like.js";

/** Switches of all Bi-Real Nets. */
export const birealSwitches = ["width", "depths", "stem", "estimator", "weightEstimator"] as const;

/** A Bi-Real Net of any width and depth. */
export interface BirealOptions extends BuildOptions, Pick<Switches, "estimator"> {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** Blocks of each of four stages. */
  readonly depths?: readonly number[];
  readonly stem?: Stem;
  readonly weightEstimator?: Switches["weightEstimator"];
}

/**
 * Bi-Real Net: a shortcut around every convolution of a ResNet, nothing else in a block.
 *
 *   out = BN(BinConv3x3(sign(x))) + shortcut      weight = mean|w| per output channel * sign(w)
 *
 * Binary weights are stored flat (`binary_conv.weights`, [O * I * 9, 1]); the other forms have 4-D `weight`s.
 * The article's magnitude-aware gradient of the weights is weightEstimator "magnitude"; the official PyTorch
 * code, which is the default here, has plain clipping.
 *
 * Source: Liu et al. (arXiv 1808.00278); keys of liuzechun/Bi-Real-net at 27cf653,
 * pytorch_implementation/BiReal18_34/birealnet.py.
 */
export function bireal(name: string, options: BirealOptions): Graph {
  const { classes, width = 64, depths = [4, 4, 4, 4], stem = "imagenet" } = options;
  const settings = birealSettings(options);
  checkStages(name, width, depths);
  return network(name, inputShape(options), (b, x) => {
    const start = resnetStem(b, x, { out: width, stem });
    const map = resnetStages(b, start, { width, depths, first: 1 }, (key, u, shape) =>
      birealUnit(b, key, u, shape, settings),
    );
    return classifierHead(b, map, classes);
  });
}

export function birealSettings(options: BirealOptions): ReactSettings {
  const { form = "binary", estimator, weightEstimator } = options;
  return { form, estimator, weightEstimator };
}

/** ApproxSign; the real-valued twin clips to [-1, 1], as the authors' last pretraining does. */
export function birealSign(
  b: GraphBuilder,
  name: string,
  x: string,
  { form, estimator = "approx" }: ReactSettings,
): string {
  if (form === "real") return b.op("clamp", [x], { low: -1, high: 1, when: "always" }, name);
  return sign(b, name, x, { estimator });
}

/** One convolution and its shortcut. */
export function birealUnit(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride }: { readonly out: number; readonly stride: number },
  settings: ReactSettings,
): string {
  const signs = birealSign(b, `${key}.binary_activation`, x, settings);
  const conv = { out, kernel: 3, stride, flat: true } as const;
  const y = batchNorm(b, `${key}.bn1`, reactConv(b, `${key}.binary_conv`, signs, conv, settings));
  const fits = stride === 1 && b.shape(x)[1] === out;
  const shortcut = fits ? x : downsample(b, `${key}.downsample`, x, { out, stride });
  return b.op("add", [y, shortcut], {}, key);
}

const family = {
  ...imagenet,
  family: "bireal",
  paper: "arXiv 1808.00278",
  checkpoints: "https://github.com/liuzechun/Bi-Real-net",
  switches: birealSwitches,
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: bireal,
} satisfies Partial<ModelEntry>;

/** Sizes, 4.2 and 5.1 MB of 10^6 bytes, are those of later comparisons. */
const source = "Bi-Real Net, arXiv 1808.00278 and liuzechun/Bi-Real-net README";

export const birealModels: ModelEntries = {
  "bireal-18": {
    ...family,
    description: "Bi-Real Net on ResNet-18: a shortcut around each of 16 convolutions",
    defaults: { depths: [4, 4, 4, 4] },
    published: onImagenet({ top1: 0.564, ops: 1.63e8, mebibytes: 4.01, source }),
  },
  "bireal-34": {
    ...family,
    description: "Bi-Real Net on ResNet-34",
    defaults: { depths: [6, 8, 12, 6] },
    published: onImagenet({ top1: 0.622, ops: 1.93e8, mebibytes: 4.86, source }),
  },
};
