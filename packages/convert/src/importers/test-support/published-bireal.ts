import type { Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";
import {
  add,
  averagePool,
  type Conv,
  convolve,
  globalAverage,
  Module,
  mapped,
  maxPool,
} from "./plain-modules.js";

const sign = (x: Tensor) => mapped(x, Math.sign);

/** HardBinaryConv: flat or 4-D weights, of which signs times the mean size of each filter remain. */
function binary(m: Module, key: string, x: Tensor, kernel: number, conv: Conv): Tensor {
  const data = Float64Array.from((m.dict[`${key}.weights`] ?? m.dict[`${key}.weight`]).data);
  const channels = x.shape[1];
  const filter = channels * kernel * kernel;
  const shape = [data.length / filter, channels, kernel, kernel];
  const means = Array.from({ length: shape[0] }, (_, o) => {
    const own = data.subarray(o * filter, (o + 1) * filter);
    return own.reduce((sum, w) => sum + Math.abs(w), 0) / filter;
  });
  const signs = data.map((w, i) => Math.sign(w) * means[Math.floor(i / filter)]);
  return convolve(sign(x), { shape, data: signs }, conv);
}

/** Logits of BiReal18_34's BiRealNet. */
export function publishedBireal(dict: Tensors, image: Tensor): Float64Array {
  const m = new Module(dict);
  let x = stem(m, image);
  for (let stage = 1; m.has(`layer${stage}.0.bn1.weight`); stage++)
    for (let i = 0; m.has(`layer${stage}.${i}.bn1.weight`); i++) {
      const key = `layer${stage}.${i}`;
      const stride = stage > 1 && i === 0 ? 2 : 1;
      const y = m.norm(`${key}.bn1`, binary(m, `${key}.binary_conv`, x, 3, { stride, padding: 1 }));
      x = add(y, shortcut(m, key, x, stride));
    }
  return m.linear("fc", globalAverage(x));
}

function stem(m: Module, image: Tensor): Tensor {
  const x = m.norm("bn1", m.conv("conv1", image, { stride: 2, padding: 3 }));
  return maxPool(x, { kernel: 3, stride: 2, padding: 1 });
}

function shortcut(m: Module, key: string, x: Tensor, stride: number): Tensor {
  if (!m.has(`${key}.downsample.1.weight`)) return x;
  const pooled = averagePool(x, { kernel: stride, stride });
  return m.norm(`${key}.downsample.2`, m.conv(`${key}.downsample.1`, pooled));
}

/** Logits of BiReal_50's BiRealNet. */
export function publishedBireal50(dict: Tensors, image: Tensor): Float64Array {
  const m = new Module(dict);
  const start = stem(m, image);
  let [x1, x2] = [start, start];
  for (let i = 0; m.has(`layers.${i}.bn1.weight`); i++) {
    const key = `layers.${i}`;
    const stride = i > 0 && m.has(`${key}.down_conv1x1.weight`) ? 2 : 1;
    const layer = (n: number, x: Tensor, kernel: number, conv: Conv) =>
      m.norm(`${key}.bn${n}`, binary(m, `${key}.conv${n}`, x, kernel, conv));
    const first = () => {
      if (i === 0) return m.norm(`${key}.bn1`, m.conv(`${key}.conv1`, leakyClip(x2)));
      const identity = stride === 2 ? m.conv(`${key}.down_conv1x1`, x1) : x1;
      return add(layer(1, x2, 1, {}), identity);
    };
    const out1 = first();
    const middle = stride === 2 ? averagePool(out1, { kernel: 2, stride: 2 }) : out1;
    x1 = add(layer(2, out1, 3, { stride, padding: 1 }), middle);
    x2 = add(layer(3, x1, 1, {}), shortcut(m, key, x2, stride));
  }
  return m.linear("fc", globalAverage(x2));
}

const leakyClip = (x: Tensor) =>
  mapped(x, (v) => (v < -1 ? 0.1 * v - 0.9 : v > 1 ? 0.1 * v + 0.9 : v));
