import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, network } from "../graph/layers.js";
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
import { reactnetPaper } from "./reactnet.js";
import {
  type ReactSettings,
  type ReactSwitch,
  reactActivation,
  reactChoices,
  reactConv,
  reactSign,
  reactSwitches,
} from "./reactnet-conv.js";
import { checkStages, downsample, resnetStages, resnetStem } from "./resnet-like.js";

/** A ReActNet on a ResNet of any width and depth. */
export interface ReactnetResnetOptions extends BuildOptions, Pick<Switches, ReactSwitch> {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** One-convolution blocks per stage: 4, 4, 4, 4 is the 18-layer network. */
  readonly depths?: readonly number[];
  readonly stem?: Stem;
}

/**
 * ReActNet on a ResNet skeleton in the manner of Bi-Real Net: a shortcut around every convolution.
 *
 *   out = RPReLU(BN(BinConv3x3(RSign(x))) + shortcut)
 *
 * Source: ReActNet (arXiv 2003.03488), liuzechun/ReActNet, resnet.
 */
export function reactnetResnet(name: string, options: ReactnetResnetOptions): Graph {
  const { classes, form = "binary", width = 64, depths = [4, 4, 4, 4] } = options;
  const { activation, rsign, estimator, weightEstimator } = options;
  const settings = { form, activation, rsign, estimator, weightEstimator };
  checkStages(name, width, depths);
  return network(name, inputShape(options), (b, x) => {
    const stem = resnetStem(b, x, { out: width, stem: options.stem ?? "imagenet" });
    const map = resnetStages(b, stem, { width, depths, first: 1 }, (key, u, shape) =>
      reactnetUnit(b, key, u, shape, settings),
    );
    return classifierHead(b, map, classes);
  });
}

/** One convolution and its shortcut. */
export function reactnetUnit(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride }: { readonly out: number; readonly stride: number },
  settings: ReactSettings,
): string {
  const k = (name: string) => `${key}.${name}`;
  const signs = reactSign(b, k("move0"), k("binary_activation"), x, settings);
  const conv = reactConv(b, k("binary_conv"), signs, { out, kernel: 3, stride }, settings);
  const y = batchNorm(b, k("bn1"), conv);
  const fits = stride === 1 && b.shape(x)[1] === out;
  const shortcut = fits ? x : downsample(b, k("downsample"), x, { out, stride });
  const sum = (name = k("add")) => b.op("add", [y, shortcut], {}, name);
  const keys = { before: k("move1"), slope: k("prelu"), after: k("move2") };
  return reactActivation(b, keys, sum, settings, key);
}

const family = {
  ...imagenet,
  family: "reactnet-resnet",
  paper: "arXiv 2003.03488",
  checkpoints: "https://github.com/liuzechun/ReActNet",
  switches: ["width", "depths", "stem", ...reactSwitches],
  choices: reactChoices,
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: reactnetResnet,
} satisfies Partial<ModelEntry>;

export const reactnetResnetModels: ModelEntries = {
  "reactnet-18": {
    ...family,
    description: "ReActNet on ResNet-18: a shortcut around each of 16 convolutions",
    defaults: { depths: [4, 4, 4, 4] },
    published: onImagenet({ top1: 0.659, ops: 1.63e8, source: reactnetPaper }),
  },
  "reactnet-34": {
    ...family,
    description: "ReActNet on ResNet-34; the authors published no weights for it",
    defaults: { depths: [6, 8, 12, 6] },
  },
};
