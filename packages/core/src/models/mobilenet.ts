import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, type ConvOptions, conv2d, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { checkWidths } from "./bnext.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  onImagenet,
  withWidths,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type Activation, type BuildOptions, inputShape } from "./options.js";
import { reactnetWidths } from "./reactnet.js";
import { heInit } from "./resnet.js";

/** A MobileNetV1 of any widths. */
export interface MobilenetOptions extends BuildOptions {
  readonly widths: readonly number[];
  /** relu6 clips at 6, as TensorFlow's and timm's networks do. */
  readonly activation?: Activation;
}

/**
 * MobileNetV1 with real weights: a 3x3 stem, then blocks of a depthwise 3x3 and a 1x1 convolution,
 * each with batch-norm and ReLU. Where a block but the first widens, it halves the map.
 *
 * `model.0` is the stem; block `model.<i>` has its depthwise convolution and norm at 0 and 1, the
 * 1x1 ones at 3 and 4. Source: Howard et al. (arXiv 1704.04861); keys of marvis/pytorch-mobilenet.
 */
export function mobilenet(name: string, options: MobilenetOptions): Graph {
  const { widths, classes, activation = "relu" } = options;
  checkWidths(name, widths);
  return network(name, inputShape(options), (b, x) => {
    const layer = (key: string, at: number, u: string, conv: ConvOptions, out: string) => {
      const y = convNorm(b, key, at, u, conv);
      if (activation === "relu") return b.op("relu", [y], {}, out);
      return b.op("clamp", [y], { low: 0, high: 6, when: "always" }, out);
    };
    const stem = { out: widths[0], kernel: 3, stride: 2, role: "stem" } as const;
    let map = layer("model.0", 0, x, stem, "model.0");
    for (let i = 1; i < widths.length; i++) {
      const [width, out] = [widths[i - 1], widths[i]];
      const stride = out !== width && i > 1 ? 2 : 1;
      const key = `model.${i}`;
      const depthwise = { out: width, kernel: 3, stride, groups: width };
      const filtered = layer(key, 0, map, depthwise, `${key}.2`);
      map = stageOutput(b, layer(key, 3, filtered, { out, kernel: 1 }, key));
    }
    return classifierHead(b, map, classes);
  });
}

/** Convolution `${key}.${at}` and the batch-norm behind it. */
function convNorm(b: GraphBuilder, key: string, at: number, x: string, conv: ConvOptions): string {
  const { kernel, out, groups = 1 } = conv;
  const init = heInit(kernel, out / groups);
  const y = conv2d(b, `${key}.${at}`, x, { ...conv, init });
  return batchNorm(b, `${key}.${at + 1}`, y);
}

export const mobilenetModels: ModelEntries = {
  "mobilenet-v1": {
    ...imagenet,
    family: "mobilenet-v1",
    paper: "arXiv 1704.04861",
    checkpoints: "https://huggingface.co/timm/mobilenetv1_100.ra4_e3600_r224_in1k",
    description: "float MobileNetV1 1.0: a teacher of the same skeleton as BNext and ReActNet-A",
    forms: ["real"],
    switches: ["widths", "activation"],
    choices: { activation: ["relu", "relu6"] },
    defaults: { widths: reactnetWidths },
    preprocess: imagenetPreprocess(256, "bilinear"),
    published: onImagenet({ top1: 0.706, ops: 5.69e8, source: "arXiv 1704.04861, table 8" }),
    build: (name, options) => mobilenet(name, withWidths(name, options)),
  },
};
