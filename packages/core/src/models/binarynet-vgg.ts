import { UsageError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { batchNorm, defaultInit, network, sign } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import { type ModelEntries, withWidths } from "./entry.js";
import { stageOutput } from "./head.js";
import { type BuildOptions, type Form, inputShape } from "./options.js";

/** BinaryNet's VGG of any widths. */
export interface BinarynetVggOptions extends BuildOptions {
  /** Channels of six convolutions and two hidden layers. */
  readonly widths: readonly number[];
}

const published: readonly number[] = [384, 384, 768, 768, 1536, 512, 1024, 1024];
/** Places of the convolutions in the sequence; every second one is pooled. */
const places = [0, 3, 7, 10, 14, 17];

/**
 * BinaryNet's VGG for CIFAR-10: six 3x3 convolutions and three layers, all with 1-bit weights and biases; pooling
 * stands before the batch-norm.
 *
 *   x = BN(maxpool2?(conv(sign(x), sign(w)) + bias))       the image itself has no sign
 *   logits = BN'(layer(x))                                 BN': neither weight nor bias
 *
 * The hard tanh in front of every sign is the sign's gradient window here. The authors' module ends in a
 * log-softmax, which is left out: scores differ by one number per image.
 *
 * Source: Courbariaux et al. (arXiv 1602.02830); keys of itayhubara/BinaryNet.pytorch at b99870a,
 * models/vgg_cifar10_binary.py, and 80f6d46, models/binarized_modules.py.
 */
export function binarynetVgg(name: string, options: BinarynetVggOptions): Graph {
  const { widths, classes, form = "binary" } = options;
  const [, height, width] = options.input;
  check(name, widths, height, width);
  return network(name, inputShape(options), (b, x) => {
    let map = x;
    places.forEach((place, i) => {
      const key = `features.${place}`;
      const shape = [widths[i], b.shape(map)[1], 3, 3];
      let y = layer(b, key, map, { shape, stored: shape, form, isImage: i === 0 });
      const isPooled = i % 2 === 1;
      const halving = { kernel: [2, 2], stride: [2, 2], padding: [0, 0] };
      if (isPooled) y = b.op("max-pool", [y], halving, `features.${place + 1}`);
      map = batchNorm(b, `features.${place + (isPooled ? 2 : 1)}`, y);
      if (isPooled) stageOutput(b, map);
    });
    const outs = [widths[6], widths[7], classes];
    outs.forEach((out, i) => {
      const [, channels, rows, columns] = b.shape(map);
      const shape = [out, channels, rows, columns];
      const stored = [out, channels * rows * columns];
      const y = layer(b, `classifier.${3 * i}`, map, { shape, stored, form });
      map = batchNorm(b, `classifier.${3 * i + 1}`, y, undefined, { affine: i < 2 });
      if (i === 1) b.output("features", b.op("reshape", [map], { shape: [0, -1] }, "features"));
    });
    return b.op("reshape", [map], { shape: [0, -1] }, "logits");
  });
}

interface Layer {
  /** [O, I, K, K], and as the weight is stored. */
  readonly shape: readonly number[];
  readonly stored: readonly number[];
  readonly form: Form;
  readonly isImage?: boolean;
}

function layer(
  b: GraphBuilder,
  key: string,
  x: string,
  { shape, stored, form, isImage = false }: Layer,
): string {
  const isBinary = form === "binary";
  const role = isBinary ? "binary" : "other";
  const init = defaultInit(shape);
  const stay = b.tensor(`${key}.weight`, { shape: stored, kind: "parameter", role, init });
  const view = (w: string) =>
    stored.length === 2 ? b.op("reshape", [w], { shape }, `${key}.view`) : w;
  const padding = stored.length === 2 ? 0 : 1;
  const attrs = { stride: [1, 1], padding: [padding, padding], groups: 1 };
  const input = isImage ? x : activation(b, `${key}.sign`, x, form);
  const products = () => {
    if (!isBinary) return b.op("conv", [input, view(stay)], attrs, `${key}.conv`);
    const clamped = b.op("clamp", [stay], { low: -1, high: 1, when: "training" }, `${key}.clamp`);
    b.update(stay, clamped);
    const binarizer = { scale: "none", estimator: "identity", zero: -1 };
    const bits = b.op("binarize-weight", [view(clamped)], binarizer, `${key}.binarize`);
    if (isImage) return b.op("conv", [input, bits], attrs, `${key}.conv`);
    return b.op("binary-conv", [input, bits], { ...attrs, padValue: 0 }, `${key}.conv`);
  };
  const spec = { shape: [shape[0]], kind: "parameter", role: "other", init } as const;
  return b.op("bias", [products(), b.tensor(`${key}.bias`, spec)], {}, key);
}

function activation(b: GraphBuilder, name: string, x: string, form: Form): string {
  if (form === "real") return b.op("clamp", [x], { low: -1, high: 1, when: "always" }, name);
  return sign(b, name, x, { estimator: "clip" });
}

function check(name: string, widths: readonly number[], height: number, width: number): void {
  const whole = (n: number) => Number.isSafeInteger(n) && n > 0;
  if (widths.length !== published.length || !widths.every(whole)) {
    throw new UsageError(
      `${name}: widths ${JSON.stringify(widths)} must be eight positive whole numbers, of six convolutions and two hidden layers, such as ${published}`,
    );
  }
  if (Math.min(height, width) >= 8) return;
  throw new UsageError(
    `${name}: images of ${height}x${width} are too small, sides must be at least 8`,
  );
}

export const binarynetVggModels: ModelEntries = {
  "binarynet-vgg": {
    family: "binarynet-vgg",
    paper: "arXiv 1602.02830",
    description: "BinaryNet's VGG for CIFAR-10: every layer has 1-bit weights",
    classes: 10,
    input: [3, 32, 32],
    switches: ["widths"],
    defaults: { widths: published },
    preprocess: {
      ...{ size: [32, 32], channels: 3, resize: 32, crop: "center", interpolation: "bilinear" },
      mean: [0.485, 0.456, 0.406],
      std: [0.229, 0.224, 0.225],
    },
    published: {
      dataset: "CIFAR-10",
      top1: 0.886,
      source: "MatthieuCourbariaux/BinaryNet at 387f579, Train-time/README.md",
    },
    build: (name, options) => binarynetVgg(name, withWidths(name, options)),
  },
};
