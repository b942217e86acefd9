import type { Value } from "../described/values.js";
import { filled, mapped, type Numbers, reshaped } from "../described/weights.js";
import type { Pads } from "../described/window.js";
import { activated } from "./activations.js";
import { convolution, dense, depthwise, separable } from "./convolutions.js";
import { type Layer, show } from "./layer.js";

type Translate = (layer: Layer) => Value;

/** Keras's layers and Larq's, by their class. InputLayer is the network's own. */
export const layers: { readonly [kind: string]: Translate } = {
  Conv2D: convolution,
  QuantConv2D: convolution,
  DepthwiseConv2D: depthwise,
  QuantDepthwiseConv2D: depthwise,
  SeparableConv2D: separable,
  QuantSeparableConv2D: separable,
  Dense: dense,
  QuantDense: dense,
  BatchNormalization: batchNorm,
  Activation: (layer) => activated(layer, layer.x, layer.name),
  ReLU: relu,
  LeakyReLU: leakyRelu,
  PReLU: prelu,
  Softmax: softmax,
  MaxPooling2D: pool("max"),
  MaxPool2D: pool("max"),
  AveragePooling2D: pool("average"),
  AvgPool2D: pool("average"),
  GlobalAveragePooling2D: globalAverage,
  GlobalAvgPool2D: globalAverage,
  GlobalMaxPooling2D: globalMax,
  GlobalMaxPool2D: globalMax,
  Add: (layer) => folded(layer, "add"),
  Multiply: (layer) => folded(layer, "mul"),
  Subtract: (layer) => folded(layer, "sub"),
  Concatenate: concatenate,
  Flatten: flatten,
  Reshape: reshape,
  ZeroPadding2D: zeroPadding,
  Rescaling: rescaling,
  Normalization: normalization,
  Identity: same,
  Dropout: same,
  SpatialDropout2D: same,
  AlphaDropout: same,
  GaussianDropout: same,
  GaussianNoise: same,
  ActivityRegularization: same,
};

/** What only training does. */
function same({ x }: Layer): Value {
  return x;
}

function batchNorm(layer: Layer): Value {
  const { net, x, name } = layer;
  const rank = net.shape(x).length;
  const last = x.flat ? 1 : rank - 1;
  layer.only("axis", [last], last, -1, [-1]);
  const [gamma, beta] = [
    layer.flag("scale", true) ? layer.array("gamma") : undefined,
    layer.flag("center", true) ? layer.array("beta") : undefined,
  ];
  const [mean, variance] = [layer.array("moving_mean"), layer.array("moving_variance")];
  const epsilon = layer.number("epsilon", 1e-3);
  const kept = layer.number("momentum", 0.99);
  const channels = x.flat
    ? net
        .shape(x)
        .slice(1)
        .reduce((n, dim) => n * dim, 1)
    : net.shape(x)[1];
  for (const { shape } of [gamma, beta, mean, variance].filter((one) => one !== undefined)) {
    layer.expect(
      shape.join() === `${channels}`,
      `its arrays have the shape [${shape}], its input ${channels} channels`,
    );
  }
  return net.batchNorm(x, name, { gamma, beta, mean, variance, epsilon, kept });
}

function relu(layer: Layer): Value {
  const { net, x, name } = layer;
  layer.only("threshold", 0);
  const slope = layer.number("negative_slope", 0);
  const { max_value: most = null } = layer.config;
  if (slope !== 0) {
    layer.only("max_value", null);
    return sloped(layer, filled([1], slope));
  }
  if (most === null) return net.unary("relu", x, {}, name);
  return net.clamp(x, 0, layer.number("max_value", 6), name);
}

/** Keras 2 calls the slope alpha. */
function leakyRelu(layer: Layer): Value {
  const slope = layer.number("alpha", layer.number("negative_slope", 0.3));
  return sloped(layer, filled([1], slope));
}

/** alpha: [1, 1, C] where height and width are shared axes. */
function prelu(layer: Layer): Value {
  const alpha = layer.array("alpha");
  const [channels] = alpha.shape.slice(-1);
  const shared = alpha.shape.every((size, axis) => size === 1 || axis === alpha.shape.length - 1);
  layer.expect(
    shared,
    `its slopes have the shape [${alpha.shape}], one for every pixel; onebit has one for each channel: shared_axes=[1, 2]`,
  );
  return sloped(layer, reshaped(alpha, [channels]));
}

function sloped({ net, x, name }: Layer, slopes: Numbers): Value {
  const value = net.vector(x, `${name}.vector`);
  const [, channels] = net.shape(value);
  const each = slopes.shape[0] === channels ? slopes : spread(slopes, channels);
  return net.perChannel("prelu", value, each, { name, key: `${name}.slope` });
}

function spread({ floats }: Numbers, channels: number): Numbers {
  return {
    shape: [channels],
    floats: async () => new Float32Array(channels).fill((await floats())[0]),
  };
}

function softmax(layer: Layer): Value {
  layer.expect(layer.isLast, "stands within the network; a softmax can be had at its end only");
  return layer.net.beforeSoftmax(layer.x);
}

function pool(mode: "max" | "average"): Translate {
  return (layer) => {
    const { net, x, name } = layer;
    layer.only("data_format", "channels_last");
    const size = layer.pair("pool_size", [2, 2]);
    const window = layer.window(size, layer.pair("strides", size));
    return mode === "max"
      ? net.maxPool(x, size, window, name)
      : net.averagePool(x, size, window, name);
  };
}

function globalAverage(layer: Layer): Value {
  layer.only("data_format", "channels_last");
  return layer.net.globalAveragePool(layer.x, layer.name, layer.flag("keepdims", false));
}

function globalMax(layer: Layer): Value {
  const { net, x, name } = layer;
  layer.only("data_format", "channels_last");
  const [, , height, width] = net.shape(x);
  const window = { stride: [1, 1], pads: { before: [0, 0], after: [0, 0] } } as const;
  if (layer.flag("keepdims", false)) return net.maxPool(x, [height, width], window, name);
  return net.flatten(net.maxPool(x, [height, width], window, `${name}.map`), "hwc", name);
}

function folded(layer: Layer, op: "add" | "mul" | "sub"): Value {
  const { inputs, name } = layer;
  layer.expect(inputs.length >= 2, `reads ${inputs.length} layers, at least two are wanted`);
  return inputs.reduce((sum, value, i) => {
    const isLast = i === inputs.length - 1;
    return layer.net.combine(op, [sum, value], isLast ? name : `${name}.${i}`);
  });
}

function flatten(layer: Layer): Value {
  layer.only("data_format", "channels_last");
  return layer.net.flatten(layer.x, "hwc", layer.name);
}

function concatenate(layer: Layer): Value {
  const rank = layer.net.shape(layer.inputs[0]).length;
  layer.only("axis", -1, rank - 1);
  return layer.net.concat(layer.inputs, layer.name);
}

function reshape(layer: Layer): Value {
  const { net, x, name, config } = layer;
  const shape = net.shape(x);
  const size = shape.slice(1).reduce((n, dim) => n * dim, 1);
  const target = Array.isArray(config.target_shape) ? config.target_shape : [];
  const known = target.reduce((n: number, dim) => (dim === -1 ? n : n * Number(dim)), 1);
  const wanted = target.map((dim) => (dim === -1 ? size / known : Number(dim)));
  if (wanted.join() === [shape[2], shape[3], shape[1]].join() && !x.flat) return x;
  if (wanted.length === 1 && wanted[0] === size) return net.flatten(x, "hwc", name);
  if (wanted.length === 3 && wanted[2] === size) return net.onePixel(x, name);
  throw layer.error(
    `its target_shape is ${show(config.target_shape)}; only flattening, and one pixel, can be had`,
  );
}

/** padding: n, [rows, columns] or [[top, bottom], [left, right]]. */
function zeroPadding(layer: Layer): Value {
  layer.only("data_format", "channels_last");
  const { padding = 1 } = layer.config;
  const [rows, columns] = Array.isArray(padding) ? padding : [padding, padding];
  const sides = [rows, columns].map((side) => (Array.isArray(side) ? side : [side, side]));
  const whole =
    sides.flat().every((n) => Number.isSafeInteger(n) && n >= 0) && sides.flat().length === 4;
  layer.expect(whole, `its padding is ${show(padding)}`);
  const [[top, bottom], [left, right]] = sides;
  const pads: Pads = { before: [top, left], after: [bottom, right] };
  return layer.net.pad(layer.x, pads, 0, layer.name);
}

function rescaling(layer: Layer): Value {
  const scaled = layer.net.scalar("mul", layer.x, layer.number("scale", 1), `${layer.name}.scaled`);
  return layer.net.scalar("add", scaled, layer.number("offset", 0), layer.name);
}

/** (x - mean) / sqrt(variance) per channel. */
function normalization(layer: Layer): Value {
  const { net, x, name } = layer;
  layer.only("axis", [-1], -1, [3], 3);
  layer.only("invert", false);
  const scale = mapped(layer.array("variance"), (v) => 1 / Math.max(Math.sqrt(v), 1e-7));
  const shift = mapped(layer.array("mean"), (m) => -m);
  const centred = net.perChannel("bias", x, shift, {
    name: `${name}.centred`,
    key: `${name}.shift`,
  });
  return net.perChannel("mul", centred, scale, { name, key: `${name}.scale` });
}
