import { network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { denseConv, denseEnd, denseTransition, type Parts, reducedTo } from "./dense-like.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, inputShape, type Stem } from "./options.js";
import { checkStages, resnetStem } from "./resnet-like.js";

/** A BinaryDenseNet of any width and depth. */
export interface BinaryDensenetOptions extends BuildOptions {
  /** Channels of the stem, and what every layer adds: 64. */
  readonly width?: number;
  /** Layers of each of four stages. */
  readonly depths?: readonly number[];
  readonly stem?: Stem;
}

/**
 * BinaryDenseNet: 3x3 binary convolutions whose outputs are put beside their inputs.
 *
 *   layer       out = concat(x, BinConv3x3(sign(BN(x))))
 *   transition  conv1x1(relu(maxpool2(BN(x))))              to round(channels / reduction / 32) * 32
 *
 * Source: Bethge et al. (arXiv 1906.08637); larq/zoo at 0c6c299, larq_zoo/literature/densenet.py. Its dilated
 * variant of BinaryDenseNet-37 is not here: binary convolutions have no dilation.
 */
function binaryDensenet(reductions: readonly number[]) {
  return (name: string, options: BinaryDensenetOptions): Graph => {
    const { classes, form = "binary", width = 64, depths = [6, 6, 6, 5] } = options;
    const style = { form, growth: width, padValue: 0 } as const;
    checkStages(name, width, depths);
    return network(name, inputShape(options), (b, x) => {
      const stem = { out: width, stem: options.stem ?? "imagenet", relu: "conv1.relu" };
      let parts: Parts = [resnetStem(b, x, stem)];
      let features = width;
      depths.forEach((depth, stage) => {
        for (let i = 0; i < depth; i++, features += width) {
          parts = [...parts, denseConv(b, `layer${stage + 1}.${i}`, parts, style)];
        }
        if (stage === depths.length - 1) return;
        features = reducedTo(features, reductions[stage]);
        const key = `layer${stage + 2}.transition`;
        parts = [stageOutput(b, denseTransition(b, key, parts, { out: features }))];
      });
      return classifierHead(b, stageOutput(b, denseEnd(b, parts)), classes);
    });
  };
}

const family = {
  ...imagenet,
  family: "binary-densenet",
  paper: "arXiv 1906.08637",
  checkpoints: "https://github.com/larq/zoo (Keras)",
  switches: ["width", "depths", "stem"],
  preprocess: imagenetPreprocess(256, "bicubic"),
} satisfies Partial<ModelEntry>;

const source =
  "larq/docs at 044b452, docs/zoo/index.md; sizes of larq/zoo at 426ba6b, tests/snapshots/model_summaries";
const figures = (top1: number, mebibytes: number) => onImagenet({ top1, mebibytes, source });

export const binaryDensenetModels: ModelEntries = {
  "binary-densenet-28": {
    ...family,
    description: "BinaryDenseNet-28: dense blocks of 1-bit 3x3 convolutions",
    defaults: { depths: [6, 6, 6, 5] },
    published: figures(0.6091, 4.04),
    build: binaryDensenet([2.7, 2.7, 2.2]),
  },
  "binary-densenet-37": {
    ...family,
    description: "BinaryDenseNet-37",
    defaults: { depths: [6, 8, 12, 6] },
    published: figures(0.6289, 5.13),
    build: binaryDensenet([3.3, 3.3, 4]),
  },
  "binary-densenet-45": {
    ...family,
    description: "BinaryDenseNet-45",
    defaults: { depths: [6, 12, 14, 8] },
    published: figures(0.6459, 7.35),
    build: binaryDensenet([2.7, 3.3, 4]),
  },
};
