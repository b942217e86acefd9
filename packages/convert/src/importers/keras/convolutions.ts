import type { Value } from "../described/values.js";
import { mapped, type Numbers, reshaped, transposed } from "../described/weights.js";
import type { Window } from "../described/window.js";
import { activated, hasActivation } from "./activations.js";
import type { Layer } from "./layer.js";
import { type Quantiser, quantiserOf } from "./quantisers.js";

/** Conv2D and QuantConv2D. kernel: [KH, KW, I / groups, O]. */
export function convolution(layer: Layer): Value {
  const weight = transposed(ranked(layer, "kernel", 4), [3, 2, 0, 1]);
  const groups = layer.number("groups", 1);
  const kernel = quantiserOf(layer, "kernel_quantizer");
  return finished(layer, (name) => {
    const x = quantised(layer, layer.x);
    return products(layer, x, { weight, groups, kernel, window: windowOf(layer, weight), name });
  });
}

/** DepthwiseConv2D and QuantDepthwiseConv2D. depthwise_kernel: [KH, KW, C, M]. */
export function depthwise(layer: Layer): Value {
  const { weight, groups } = depthwiseWeight(layer);
  const kernel = quantiserOf(layer, "depthwise_quantizer");
  layer.expect(kernel !== "scaled", "its depthwise_quantizer scales over all channels at once");
  return finished(layer, (name) => {
    const x = quantised(layer, layer.x);
    return products(layer, x, { weight, groups, kernel, window: windowOf(layer, weight), name });
  });
}

/** SeparableConv2D and QuantSeparableConv2D: a depthwise convolution, and a 1x1 one of its result. */
export function separable(layer: Layer): Value {
  const { weight, groups } = depthwiseWeight(layer);
  const point = transposed(ranked(layer, "pointwise_kernel", 4), [3, 2, 0, 1]);
  const [first, second] = ["depthwise_quantizer", "pointwise_quantizer"].map((field) =>
    quantiserOf(layer, field),
  );
  layer.expect(first !== "scaled", "its depthwise_quantizer scales over all channels at once");
  const one: Window = { stride: [1, 1], dilation: [1, 1], pads: { before: [0, 0], after: [0, 0] } };
  return finished(layer, (name) => {
    const x = quantised(layer, layer.x);
    const window = windowOf(layer, weight);
    const depth = { weight, groups, kernel: first, window, name: `${layer.name}.depthwise` };
    const maps = products(layer, x, { ...depth, key: `${layer.name}.depthwise` });
    return products(layer, maps, { weight: point, groups: 1, kernel: second, window: one, name });
  });
}

/** Dense and QuantDense, of what is flattened. kernel: [I, O]. */
export function dense(layer: Layer): Value {
  const weight = transposed(ranked(layer, "kernel", 2), [1, 0]);
  const kernel = quantiserOf(layer, "kernel_quantizer");
  const { net } = layer;
  const shape = net.shape(layer.x);
  const [, inputs] = weight.shape;
  const size = shape.slice(1).reduce((n, dim) => n * dim, 1);
  layer.expect(
    shape.length === 2 || layer.x.flat !== undefined || shape[2] * shape[3] === 1,
    "reads a map, pixel by pixel; onebit has it for vectors: put Flatten before it, or use a 1x1 convolution",
  );
  layer.expect(size === inputs, `its kernel is for ${inputs} numbers, its input has ${size}`);
  return finished(layer, (name) => {
    const x = net.flatten(quantised(layer, layer.x), "hwc", `${layer.name}.flat`);
    const signs = signsOf(layer, weight, kernel);
    const options = { name, key: layer.name, scaled: kernel === "scaled" };
    if (signs && net.isSigns(x)) return net.binaryDense(x, signs, options);
    return net.dense(x, weight, { ...options, binary: signs !== undefined });
  });
}

function depthwiseWeight(layer: Layer): { weight: Numbers; groups: number } {
  const stored = ranked(layer, "depthwise_kernel", 4);
  const [kh, kw, channels, times] = stored.shape;
  const weight = transposed(stored, [2, 3, 0, 1]);
  return { weight: reshaped(weight, [channels * times, 1, kh, kw]), groups: channels };
}

function ranked(layer: Layer, name: string, rank: number): Numbers {
  const numbers = layer.array(name);
  const { shape } = numbers;
  layer.expect(
    shape.length === rank && shape.every((n) => n > 0),
    `its ${name} has the shape [${shape}]`,
  );
  return numbers;
}

function windowOf(layer: Layer, { shape: [, , kh, kw] }: Numbers): Window {
  layer.only("data_format", "channels_last");
  return layer.window([kh, kw], layer.pair("strides", [1, 1]), layer.pair("dilation_rate", [1, 1]));
}

/** The input as the convolution reads it. */
function quantised(layer: Layer, x: Value): Value {
  const input = quantiserOf(layer, "input_quantizer");
  layer.expect(input !== "scaled", "its input_quantizer is one of weights");
  return input === "sign" ? layer.net.signs(x, `${layer.name}.signs`) : x;
}

interface Products {
  readonly weight: Numbers;
  readonly groups: number;
  readonly kernel: Quantiser;
  readonly window: Window;
  readonly name: string;
  readonly key?: string;
}

function products(
  layer: Layer,
  x: Value,
  { weight, groups, kernel, window, name, key = layer.name }: Products,
): Value {
  const { net } = layer;
  const [, inputs] = weight.shape;
  const [, channels] = net.shape(x);
  layer.expect(
    inputs * groups === channels,
    `its kernel is for ${inputs * groups} channels, its input has ${channels}`,
  );
  const padValue = padValueOf(layer);
  const signs = signsOf(layer, weight, kernel);
  const scaled = kernel === "scaled";
  const padded = [...window.pads.before, ...window.pads.after].some((rows) => rows > 0);
  if (signs && net.isSigns(x)) {
    return net.binaryConv(x, { ...window, weight: signs, groups, padValue, scaled }, name, key);
  }
  layer.expect(
    !padded || padValue === 0,
    `its pad_values is ${padValue}, and it does not convolve signs with signs`,
  );
  const options = { ...window, weight: signs ?? weight, groups };
  return net.conv(x, { ...options, binary: signs && (scaled ? "scaled" : "signs") }, name, key);
}

/** Larq pads after the input quantiser. */
function padValueOf(layer: Layer): 0 | 1 | -1 {
  const value = layer.number("pad_values", 0);
  if (value === 0 || value === 1 || value === -1) return value;
  throw layer.error(`its pad_values is ${value}; 0, 1 and -1 can be had`);
}

/** Weights that count by their sign, where the layer says so: exactly 0 is +1, as Larq's sign has it. */
function signsOf(layer: Layer, weight: Numbers, kernel: Quantiser): Numbers | undefined {
  if (kernel === "none") return undefined;
  if (kernel !== "signs already") return mapped(weight, (w) => (w === 0 ? TINY : w));
  const check = (w: number) => {
    if (Math.abs(w) === 1) return w;
    throw layer.error(
      `its kernel_quantizer leaves weights as they are, and ${w} is among them, neither -1 nor 1`,
    );
  };
  return mapped(weight, check);
}

/** The smallest normal float32: a sign and no size. */
const TINY = 2 ** -126;

function finished(layer: Layer, sums: (name: string) => Value): Value {
  const { net, name } = layer;
  const active = hasActivation(layer);
  const before = active ? `${name}.sums` : name;
  if (!layer.flag("use_bias", true)) return activated(layer, sums(before), name);
  const unbiased = sums(`${name}.products`);
  const bias = net.perChannel("bias", unbiased, ranked(layer, "bias", 1), {
    name: before,
    key: `${name}.bias`,
  });
  return activated(layer, bias, name);
}
