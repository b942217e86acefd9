import type { GraphBuilder } from "../graph/builder.js";
import { type BatchNormOptions, batchNorm, defaultInit, sign } from "../graph/layers.js";
import type { Init, Shape } from "../graph/types.js";
import type { Form, Switches } from "./options.js";

/** Switches of all XNOR-Nets. */
export const xnorSwitches = ["estimator", "weightEstimator"] as const;

/** What all layers of an XNOR-Net have in common. */
export interface XnorSettings extends Pick<Switches, (typeof xnorSwitches)[number]> {
  readonly form: Form;
  readonly norm?: Pick<BatchNormOptions, "leastWeight">;
}

/** A layer of an XNOR-Net. */
export interface XnorLayer {
  readonly out: number;
  readonly kernel: number;
  readonly stride?: number;
  readonly padding?: number;
  /** Keys and shapes of PyTorch's Linear: `${key}.linear.weight`, [out, channels], of one pixel. */
  readonly linear?: boolean;
  /** `${key}.conv.bias`; true when absent. */
  readonly bias?: boolean;
  /** True when absent. */
  readonly relu?: boolean;
}

/**
 *   y = relu(conv(sign(BN(x)), w) + bias)             BN: epsilon 1e-4; padding is zeros
 *   w = mean|v| per output channel * sign(v)
 *   v = latent weight less its mean over input channels, clamped to [-1, 1]
 *
 * Training writes v back. Keys: `${key}.bn`, `${key}.conv` or `${key}.linear`. The real twin has neither sign
 * nor scale, step 1 the sign alone.
 *
 * Source: XNOR-Net (arXiv 1603.05279); jiecaoyu/XNOR-Net-PyTorch at 26cca8c (util.py) and 119050f (alexnet.py),
 * which leaves out the article's map K of the inputs' sizes: its mean over channels has no packed form here.
 */
export function xnorLayer(
  b: GraphBuilder,
  key: string,
  x: string,
  layer: XnorLayer,
  settings: XnorSettings,
  name = key,
): string {
  const { form, estimator = "clip", norm } = settings;
  const { bias = true, relu = true, linear = false } = layer;
  const y = batchNorm(b, `${key}.bn`, x, `${key}.bn`, { epsilon: 1e-4, ...norm });
  const input = form === "real" ? y : sign(b, `${key}.sign`, y, { estimator });
  const module = `${key}.${linear ? "linear" : "conv"}`;
  const products = xnorConv(b, module, input, layer, settings, bias || relu ? module : name);
  const sum = bias ? addBias(b, module, products, relu ? `${module}.add` : name) : products;
  return relu ? b.op("relu", [sum], {}, name) : sum;
}

function xnorConv(
  b: GraphBuilder,
  key: string,
  x: string,
  { out, kernel, stride = 1, padding = Math.floor(kernel / 2), linear }: XnorLayer,
  { form, weightEstimator = "scaled" }: XnorSettings,
  name: string,
): string {
  const shape = [out, b.shape(x)[1], kernel, kernel];
  const stored = linear ? shape.slice(0, 2) : shape;
  const isBinary = form === "binary";
  const role = isBinary ? "binary" : "other";
  const init = weightInit(shape);
  const weight = b.tensor(`${key}.weight`, { shape: stored, kind: "parameter", role, init });
  const attrs = { stride: [stride, stride], padding: [padding, padding], groups: 1 };
  const view = (value: string) =>
    linear ? b.op("reshape", [value], { shape }, `${key}.view`) : value;
  if (!isBinary) return b.op("conv", [x, view(weight)], attrs, name);
  const centred = centredWeight(b, key, weight);
  const binarizer = { scale: "channel-mean", estimator: weightEstimator, range: 1, zero: -1 };
  const bits = b.op("binarize-weight", [view(centred)], binarizer, `${key}.binarize`);
  return b.op("binary-conv", [x, bits], { ...attrs, padValue: 0 }, name);
}

function centredWeight(b: GraphBuilder, key: string, weight: string): string {
  const mean = b.op("mean", [weight], { axes: [1], keepDims: true }, `${key}.mean`);
  const centred = b.op("sub", [weight, mean], {}, `${key}.centre`);
  const bounds = { low: -1, high: 1, when: "always" } as const;
  const clamped = b.op("clamp", [centred], bounds, `${key}.clamp`);
  b.update(weight, clamped);
  return clamped;
}

/** As the port starts: normal, by the reciprocal of the number of inputs. */
function weightInit([, ...inputs]: Shape): Init {
  return { kind: "normal", std: 2 / inputs.reduce((n, dim) => n * dim, 1) };
}

function addBias(b: GraphBuilder, key: string, x: string, name: string): string {
  const [, out] = b.shape(x);
  const spec = {
    shape: [out],
    kind: "parameter",
    role: "other",
    init: defaultInit([out, out]),
  } as const;
  return b.op("bias", [x, b.tensor(`${key}.bias`, spec)], {}, name);
}

/** Elements of a map as channels of one pixel, in PyTorch's order C, H, W. */
export function flattened(b: GraphBuilder, x: string, name: string): string {
  return b.op("reshape", [x], { shape: [0, -1, 1, 1] }, name);
}
