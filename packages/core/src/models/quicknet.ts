import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, conv2d, network, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import {
  imagenet,
  imagenetPreprocess,
  type ModelEntries,
  type ModelEntry,
  onImagenet,
} from "./entry.js";
import { classifierHead, stageOutput } from "./head.js";
import { type BuildOptions, type Form, inputShape } from "./options.js";
import { checkStages } from "./resnet-like.js";
import { unscaledConv } from "./unscaled-conv.js";

/** A QuickNet of any widths and depths. */
export interface QuicknetOptions extends BuildOptions {
  /** Channels of four stages; the first a multiple of 4. */
  readonly widths: readonly number[];
  /** Convolutions of each. */
  readonly depths?: readonly number[];
}

/** Keras' defaults, of the stem. */
const keras = { epsilon: 1e-3, momentum: 0.01 };
const window = 1.25;

/**
 * QuickNet: residual 3x3 binary convolutions, padded with +1, and real transitions that pool without aliasing.
 *
 *   stem        1x1(BN'(depthwise3x3/2(relu(BN(conv3x3/2(x)))))), BN     BN': neither weight nor bias
 *   block       out = BN(relu(BinConv3x3(sign(x)))) + x
 *   transition  BN(conv1x1(blur3x3/2(maxpool2/1(relu(x)))))               blur: fixed, [1 2 1] x [1 2 1] / 16
 *
 * "same" padding of the stem's convolutions is a pixel on either side here; Keras' is one on the far side alone,
 * so that weights of Larq's files would see images shifted. Source: Bannink et al. (arXiv 2011.09398); larq/zoo at
 * 0ff5984, larq_zoo/sota/quicknet.py.
 */
export function quicknet(name: string, options: QuicknetOptions): Graph {
  const { classes, form = "binary", widths, depths = [4, 4, 4, 4] } = options;
  checkStages(name, 4, depths);
  checkStageWidths(name, widths);
  return network(name, inputShape(options), (b, x) => {
    let map = stem(b, x, widths[0]);
    depths.forEach((depth, stage) => {
      if (stage > 0) map = transition(b, `layer${stage + 1}.transition`, map, widths[stage]);
      for (let i = 0; i < depth; i++) map = block(b, `layer${stage + 1}.${i}`, map, form);
      stageOutput(b, map);
    });
    return classifierHead(b, b.op("relu", [map], {}, "relu"), classes);
  });
}

function stem(b: GraphBuilder, x: string, out: number): string {
  const narrow = out / 4;
  const conv = conv2d(b, "stem.0", x, { out: narrow, kernel: 3, stride: 2, role: "stem" });
  const y = b.op("relu", [batchNorm(b, "stem.1", conv, "stem.1", keras)], {}, "stem.2");
  const depthwise = { out: narrow, kernel: 3, stride: 2, groups: narrow, role: "stem" } as const;
  const z = conv2d(b, "stem.3", y, depthwise);
  const normed = batchNorm(b, "stem.4", z, "stem.4", { ...keras, affine: false });
  return batchNorm(
    b,
    "stem.6",
    conv2d(b, "stem.5", normed, { out, kernel: 1, role: "stem" }),
    "stem.6",
    keras,
  );
}

function block(b: GraphBuilder, key: string, x: string, form: Form): string {
  const [, out] = b.shape(x);
  const signs =
    form === "real" ? x : sign(b, `${key}.sign`, x, { estimator: "clip", range: window });
  const style = { form, range: window, padValue: 1 } as const;
  const y = unscaledConv(b, `${key}.conv`, signs, { out, kernel: 3 }, style);
  const normed = batchNorm(b, `${key}.bn`, b.op("relu", [y], {}, `${key}.relu`));
  return b.op("add", [normed, x], {}, key);
}

function transition(b: GraphBuilder, key: string, x: string, out: number): string {
  const [, channels, height, width] = b.shape(x);
  if (height % 2 || width % 2) {
    throw new UsageError(
      `${key}: a ${height}x${width} map cannot be halved: choose an input size that is a multiple of 32`,
    );
  }
  const positive = b.op("relu", [x], {}, `${key}.0`);
  const largest = { kernel: [2, 2], stride: [1, 1], padding: [0, 0] };
  const pooled = b.op("max-pool", [positive], largest, `${key}.1`);
  const attrs = { stride: [2, 2], padding: [1, 1], groups: channels };
  const blurred = b.op("conv", [pooled, blurWeight(b, `${key}.blur`, channels)], attrs, `${key}.2`);
  const wide = conv2d(b, `${key}.3`, blurred, { out, kernel: 1, role: "shortcut" });
  return batchNorm(b, `${key}.4`, wide, `${key}.4`);
}

function blurWeight(b: GraphBuilder, name: string, channels: number): string {
  const value = [1, 2, 1].flatMap((row) => [1, 2, 1].map((column) => (row * column) / 16));
  const kernel = b.op("constant", [], { value, shape: [1, 1, 3, 3] });
  return b.op("expand", [kernel], { shape: [channels, 1, 3, 3] }, name);
}

function checkStageWidths(name: string, widths: readonly number[]): void {
  const whole = (n: number) => Number.isSafeInteger(n) && n > 0;
  if (widths.length === 4 && widths.every(whole) && widths[0] % 4 === 0) return;
  throw new UsageError(
    `${name}: widths ${JSON.stringify(widths)} must be four positive whole numbers, one per stage, the first a multiple of 4`,
  );
}

const family = {
  ...imagenet,
  family: "quicknet",
  paper: "arXiv 2011.09398",
  checkpoints: "https://github.com/larq/zoo (Keras)",
  switches: ["widths", "depths"],
  preprocess: imagenetPreprocess(256, "bicubic"),
  build: (name, options) => quicknet(name, { ...options, widths: options.widths ?? usual }),
} satisfies Partial<ModelEntry>;

const usual: readonly number[] = [64, 128, 256, 512];

/** Sizes are printed in MB and are MiB. */
const figures = (top1: number, mebibytes: number) =>
  onImagenet({ top1, mebibytes, source: "larq/zoo at 0ff5984, larq_zoo/sota/quicknet.py" });

export const quicknetModels: ModelEntries = {
  "quicknet-small": {
    ...family,
    description: "QuickNet small: residual 1-bit 3x3 convolutions, real transitions",
    defaults: { widths: [32, 64, 256, 512], depths: [4, 4, 4, 4] },
    published: figures(0.594, 4.0),
  },
  quicknet: {
    ...family,
    description: "QuickNet: residual 1-bit 3x3 convolutions, real transitions",
    defaults: { widths: usual, depths: [4, 4, 4, 4] },
    published: figures(0.633, 4.17),
  },
  "quicknet-large": {
    ...family,
    description: "QuickNet large: twice as many convolutions",
    defaults: { widths: usual, depths: [6, 8, 12, 6] },
    published: figures(0.669, 5.4),
  },
};
