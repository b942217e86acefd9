import type { GraphBuilder } from "../graph/builder.js";
import { clampInPlace, conv2d, defaultInit } from "../graph/layers.js";
import type { Form } from "./options.js";

/** A 3x3 convolution of each channel by itself. */
export interface TernaryConv {
  readonly stride: number;
  readonly form: Form;
}

/** Weights smaller than so much of their output channel's mean are zeros. */
const THRESHOLD = 0.7;
/** Gradient window of both planes; training clamps the latent weights to it. */
const range = 1;

/**
 * Depthwise 3x3 convolution of signs with weights -1, 0 and +1, which are two planes of bits:
 *
 *   y = m / 2 (conv(x, sign(w + d)) + conv(x, sign(w - d)))        m = mean|w| of each channel, d = 0.7 m, both detached
 *
 * One latent weight `${key}.weight` [C, 1, 3, 3]; both planes are ordinary 1-bit convolutions, for every backend.
 * Source of d: Ternary Weight Networks (arXiv 1605.04711).
 */
export function ternaryDepthwise(
  b: GraphBuilder,
  key: string,
  x: string,
  { stride, form }: TernaryConv,
): string {
  const [, channels] = b.shape(x);
  if (form !== "binary") {
    return conv2d(b, key, x, { out: channels, kernel: 3, stride, groups: channels });
  }
  const shape = [channels, 1, 3, 3];
  const init = defaultInit(shape);
  const stored = b.tensor(`${key}.weight`, { shape, kind: "parameter", role: "binary", init });
  const bounds = { low: -range, high: range, when: "training" } as const;
  const weight = clampInPlace(b, stored, bounds, `${key}.clamp`);
  const size = b.op("abs", [weight], {}, `${key}.abs`);
  const mean = b.op("mean", [size], { axes: [1, 2, 3], keepDims: true }, `${key}.size`);
  const scale = b.op("detach", [mean], {}, `${key}.scale`);
  const d = b.op("mul", [scale, b.constant(THRESHOLD)], {}, `${key}.threshold`);
  const plane = (op: "add" | "sub") => {
    const moved = b.op(op, [weight, d], {}, `${key}.${op}`);
    const attrs = { scale: "none", estimator: "clip", range, zero: -1 } as const;
    const bits = b.op("binarize-weight", [moved], attrs, `${key}.${op}.binarize`);
    const window = { stride: [stride, stride], padding: [1, 1], groups: channels, padValue: 0 };
    return b.op("binary-conv", [x, bits], window, `${key}.${op}.conv`);
  };
  const sum = b.op("add", [plane("add"), plane("sub")], {}, `${key}.sum`);
  const half = b.op("mul", [scale, b.constant(0.5)], {}, `${key}.half`);
  const perMap = b.op("reshape", [half], { shape: [1, channels, 1, 1] }, `${key}.magnitude`);
  return b.op("mul", [sum, perMap], {}, key);
}
