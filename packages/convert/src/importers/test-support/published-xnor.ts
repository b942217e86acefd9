import type { Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";
import {
  addBias,
  averagePool,
  type Conv,
  convolve,
  globalAverage,
  Module,
  mapped,
  maxPool,
  relu,
} from "./plain-modules.js";

/** BinOp.binarization(): centred over input channels, clamped, its signs times the mean size of each filter. */
function binarized({ shape, data }: Tensor): Tensor {
  const [outs, channels] = shape;
  const filter = data.length / outs;
  const positions = filter / channels;
  const centred = Float64Array.from(data, (w, i) => {
    const first = Math.floor(i / filter) * filter + (i % positions);
    let sum = 0;
    for (let c = 0; c < channels; c++) sum += data[first + c * positions];
    return Math.min(1, Math.max(-1, w - sum / channels));
  });
  const sizes = Array.from({ length: outs }, (_, o) => {
    const own = centred.subarray(o * filter, (o + 1) * filter);
    return own.reduce((sum, w) => sum + Math.abs(w), 0) / filter;
  });
  return { shape, data: centred.map((w, i) => Math.sign(w) * sizes[Math.floor(i / filter)]) };
}

/** BinConv2d; a Linear is a convolution of one pixel. */
function binConv2d(m: Module, key: string, x: Tensor, conv: Conv = {}): Tensor {
  const module = m.has(`${key}.linear.weight`) ? `${key}.linear` : `${key}.conv`;
  const weight = binarized(m.dict[`${module}.weight`]);
  const [outs, channels, k = 1] = weight.shape;
  const signs = mapped(m.norm(`${key}.bn`, x, 1e-4), Math.sign);
  const y = convolve(signs, { shape: [outs, channels, k, k], data: weight.data }, conv);
  return relu(addBias(y, m.dict[`${module}.bias`]));
}

const conv2d = (m: Module, key: string, x: Tensor, conv: Conv = {}) =>
  addBias(m.conv(key, x, conv), m.dict[`${key}.bias`]);

/** Logits of ImageNet's AlexNet. */
export function publishedXnorAlexnet(saved: Tensors, image: Tensor): Float64Array {
  const entries = Object.entries(saved).map(([key, tensor]) => [
    key.replace("module.", ""),
    tensor,
  ]);
  const m = new Module(Object.fromEntries(entries) as Tensors);
  const pool = (x: Tensor) => maxPool(x, { kernel: 3, stride: 2 });
  const start = conv2d(m, "features.0", image, { stride: 4 });
  let x = pool(relu(m.norm("features.1", start, 1e-4)));
  x = pool(binConv2d(m, "features.4", x, { padding: 2 }));
  for (const place of [6, 7, 8]) x = binConv2d(m, `features.${place}`, x, { padding: 1 });
  const map = pool(x);
  x = { shape: [1, map.data.length, 1, 1], data: map.data };
  for (const place of [0, 1]) x = binConv2d(m, `classifier.${place}`, x);
  return m.linear("classifier.4", m.norm("classifier.2", x, 1e-3));
}

/** Logits of CIFAR_10's Net. */
export function publishedXnorNin(saved: Tensors, image: Tensor): Float64Array {
  const entries = Object.entries(saved).map(([key, { shape, data }]) => {
    const isRaised = /\.bn\.weight$/.test(key);
    return [key, { shape, data: isRaised ? data.map((w) => Math.max(0.01, w)) : data }];
  });
  const m = new Module(Object.fromEntries(entries) as Tensors);
  const layer = (place: number, x: Tensor, padding = 0) =>
    binConv2d(m, `xnor.${place}`, x, { padding });
  const plain = (key: string, x: Tensor) => {
    const ones = { shape: [x.shape[1]], data: new Float32Array(x.shape[1]).fill(1) };
    const dict = { ...m.dict, [`${key}.weight`]: ones, [`${key}.bias`]: mapped(ones, () => 0) };
    return new Module(dict).norm(key, x, 1e-4);
  };
  const pooling = { kernel: 3, stride: 2, padding: 1 };
  let x = relu(plain("xnor.1", conv2d(m, "xnor.0", image, { padding: 2 })));
  x = maxPool(layer(4, layer(3, x)), pooling);
  x = averagePool(layer(8, layer(7, layer(6, x, 2))), pooling);
  x = plain("xnor.12", layer(11, layer(10, x, 1)));
  return Float64Array.from(globalAverage(relu(conv2d(m, "xnor.13", x))).data);
}
