import type { Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";
import { addBias, type Conv, convolve, Module, mapped, maxPool } from "./plain-modules.js";

const sign = (x: Tensor) => mapped(x, Math.sign);

/** BinarizeConv2d and BinarizeLinear, which is a convolution of one pixel. */
function binarized(m: Module, key: string, x: Tensor, conv: Conv = {}): Tensor {
  const { shape, data } = m.dict[`${key}.weight`];
  const [outs, channels, k = 1] = shape;
  const weight = { shape: [outs, channels, k, k], data: Float64Array.from(data, Math.sign) };
  const input = x.shape[1] === 3 ? x : sign(x);
  return addBias(convolve(input, weight, conv), m.dict[`${key}.bias`]);
}

/** What VGG_Cifar10 computes before its LogSoftmax. */
export function publishedVgg(dict: Tensors, image: Tensor): Float64Array {
  const classes = dict["classifier.7.running_mean"].data.length;
  const ones = { shape: [classes], data: new Float32Array(classes).fill(1) };
  const plain = { "classifier.7.weight": ones, "classifier.7.bias": mapped(ones, () => 0) };
  const m = new Module({ ...dict, ...plain });
  const hardtanh = (x: Tensor) => mapped(x, (v) => Math.min(1, Math.max(-1, v)));
  let x = image;
  [0, 3, 7, 10, 14, 17].forEach((place, i) => {
    const y = binarized(m, `features.${place}`, x, { padding: 1 });
    const pooled = i % 2 ? maxPool(y, { kernel: 2, stride: 2 }) : y;
    x = hardtanh(m.norm(`features.${place + 1 + (i % 2)}`, pooled));
  });
  x = { shape: [1, x.data.length, 1, 1], data: x.data };
  for (const place of [0, 3]) {
    x = hardtanh(m.norm(`classifier.${place + 1}`, binarized(m, `classifier.${place}`, x)));
  }
  return Float64Array.from(m.norm("classifier.7", binarized(m, "classifier.6", x)).data);
}
