import type { GraphBuilder } from "../graph/builder.js";
import { network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { imagenet, imagenetPreprocess, type ModelEntries, onImagenet } from "./entry.js";
import { classifierHead } from "./head.js";
import { type BuildOptions, inputShape, type Stem, type Switches } from "./options.js";
import { checkStages, resnetStages, resnetStem } from "./resnet-like.js";
import { type XnorSettings, xnorLayer, xnorSwitches } from "./xnor-conv.js";

/** An XNOR-Net on a ResNet of any width and depth. */
export interface XnorResnetOptions
  extends BuildOptions,
    Pick<Switches, (typeof xnorSwitches)[number]> {
  /** Channels of the first stage: 64. */
  readonly width?: number;
  /** Blocks of two convolutions in each of four stages. */
  readonly depths?: readonly number[];
  readonly stem?: Stem;
}

/**
 * XNOR-Net on ResNet-18: basic blocks whose convolutions, those of the shortcuts too, are binary.
 *
 *   out = layer(relu(layer(x))) + shortcut       layer: BN, sign, binary convolution; shortcut: x, or a 1x1 layer
 *
 * The authors published no code of it. That shortcuts are binary follows from the 1-bit operations printed of it,
 * 1.70e9 (1.68e9 without); unsure are the ReLU between the convolutions, which stands where AlexNet's does, and
 * that none follows the sum. Keys are of no other code's. Source: XNOR-Net (arXiv 1603.05279).
 */
export function xnorResnet(name: string, options: XnorResnetOptions): Graph {
  const { classes, width = 64, depths = [2, 2, 2, 2], stem = "imagenet" } = options;
  const { form = "binary", estimator, weightEstimator } = options;
  const settings = { form, estimator, weightEstimator };
  checkStages(name, width, depths);
  return network(name, inputShape(options), (b, x) => {
    const start = resnetStem(b, x, { out: width, stem, relu: "relu" });
    const map = resnetStages(b, start, { width, depths, first: 1 }, (key, u, shape) =>
      block(b, key, u, shape, settings),
    );
    return classifierHead(b, map, classes);
  });
}

function block(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, stride }: { readonly out: number; readonly stride: number },
  settings: XnorSettings,
): string {
  const conv = { out, kernel: 3, bias: false };
  const hidden = xnorLayer(b, `${key}.layer1`, x, { ...conv, stride }, settings);
  const y = xnorLayer(b, `${key}.layer2`, hidden, { ...conv, relu: false }, settings);
  const bare = { out, kernel: 1, stride, bias: false, relu: false };
  const fits = stride === 1 && b.shape(x)[1] === out;
  const shortcut = fits ? x : xnorLayer(b, `${key}.shortcut`, x, bare, settings);
  return b.op("add", [y, shortcut], {}, key);
}

export const xnorResnetModels: ModelEntries = {
  "xnor-resnet-18": {
    ...imagenet,
    family: "xnor-resnet",
    paper: "arXiv 1603.05279",
    description: "XNOR-Net on ResNet-18; the authors published no code of it",
    switches: ["width", "depths", "stem", ...xnorSwitches],
    defaults: { depths: [2, 2, 2, 2] },
    preprocess: imagenetPreprocess(256, "bilinear"),
    published: onImagenet({
      top1: 0.512,
      source: "arXiv 1603.05279, as printed in liuzechun/Bi-Real-net README",
    }),
    build: xnorResnet,
  },
};
