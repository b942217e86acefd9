import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, halve, network, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { checkWidths } from "./bnext.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  nano,
  nanoWidths,
  withWidths,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, type Form, inputShape } from "./options.js";
import { reactnetWidths } from "./reactnet.js";
import { reactConv } from "./reactnet-conv.js";
import { ternaryDepthwise } from "./ternary-conv.js";

/** A BD-Net of any widths. */
export interface BdnetOptions extends BuildOptions {
  /** Channels of the stem and of each block. */
  readonly widths: readonly number[];
  readonly stemStride?: 1 | 2;
}

/**
 * An experiment: BD-Net's binary depthwise block in MobileNetV1. Shortcuts end in front of the batch-norms:
 *
 *   d   = BN1(TernaryDepthwise3x3(sign(x)) + x)         x 2x2-pooled when strided
 *   out = BN2(BinConv1x1(sign(d)) + d)                  d twice, one behind the other, where the block widens
 *
 * Known of it are the abstract and summaries of others: MobileNetV1, depthwise convolutions with weights -1, 0 and +1
 * as two planes of bits without more parameters, a residual "pre-BN", 33 million OPs on ImageNet. There is no public
 * code and the text was not at hand. So these are ours: how weights become ternary (ternary-conv.ts), signs with
 * ReActNet's gradient, 1x1 weights times mean|w|, no activation, a plain stem. Summaries differ in what "pre-BN" means
 * (a batch-norm behind the sum, as here, or in front of the sign) and in whether 1x1 convolutions are ternary, too:
 * with 1-bit ones there are 21 million OPs, with ternary ones 29.
 *
 * Source: Kim et al. (arXiv 2511.17633), abstract.
 */
export function bdnet(name: string, options: BdnetOptions): Graph {
  const { widths, classes, form = "binary", stemStride = 2 } = options;
  checkWidths(name, widths);
  return network(name, inputShape(options), (b, x) => {
    const stem = { out: widths[0], kernel: 3, stride: stemStride, role: "stem" } as const;
    let map = batchNorm(b, "feature.0.bn1", conv2d(b, "feature.0.conv1", x, stem));
    for (let i = 1; i < widths.length; i++) {
      const stride = widths[i] !== widths[i - 1] && i > 1 ? 2 : 1;
      map = stageOutput(b, block(b, `feature.${i}`, map, widths[i], stride, form));
    }
    return classifierHead(b, map, classes);
  });
}

function block(
  b: GraphBuilder,
  key: string,
  x: string,
  out: number,
  stride: number,
  form: Form,
): string {
  const k = (entry: string) => `${key}.${entry}`;
  const signs = (name: string, u: string) => (form === "real" ? u : sign(b, k(name), u));
  const filtered = ternaryDepthwise(b, k("depthwise"), signs("sign1", x), { stride, form });
  const shortcut = stride === 2 ? halve(b, k("pooling"), x) : x;
  const d = batchNorm(b, k("bn1"), b.op("add", [filtered, shortcut], {}, k("add1")));
  const mixed = reactConv(b, k("pointwise"), signs("sign2", d), { out, kernel: 1 }, { form });
  const wide = b.shape(d)[1] === out ? d : b.op("concat", [d, d], { axis: 1 }, k("twice"));
  return batchNorm(b, k("bn2"), b.op("add", [mixed, wide], {}, k("add2")), key);
}

const family = {
  ...imagenet,
  family: "bdnet",
  paper: "arXiv 2511.17633",
  switches: ["widths", "stemStride"],
  preprocess: imagenetPreprocess(256, "bilinear"),
  build: (name, options) => bdnet(name, withWidths(name, options)),
} satisfies Partial<ModelEntry>;

export const bdnetModels: ModelEntries = {
  "bdnet-mobilenet": {
    ...family,
    description: "experiment: MobileNetV1 with ternary depthwise and 1-bit 1x1 convolutions",
    defaults: { widths: reactnetWidths },
  },
  "bdnet-nano": {
    ...family,
    ...nano,
    description: "experiment: BD-Net's blocks for 28 to 64 pixel images",
    defaults: { widths: nanoWidths, stemStride: 2 },
  },
};
