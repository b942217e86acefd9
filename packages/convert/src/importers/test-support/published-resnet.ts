import { sizeOf, type Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";

interface Conv {
  readonly stride?: number;
  readonly padding?: number;
}

/** Networks as their authors' PyTorch modules compute them from a state dict, loop by loop. */
class Module {
  constructor(readonly dict: Tensors) {}

  has(key: string): boolean {
    return key in this.dict;
  }

  conv(key: string, x: Tensor, { stride = 1, padding = 0 }: Conv = {}): Tensor {
    const { shape, data: w } = this.dict[`${key}.weight`];
    const [outs, channels, k] = shape;
    const [, , height, width] = x.shape;
    const size = (side: number) => Math.floor((side + 2 * padding - k) / stride) + 1;
    const y = zeros([1, outs, size(height), size(width)]);
    let to = 0;
    for (let o = 0; o < outs; o++)
      for (let i = 0; i < y.shape[2]; i++)
        for (let j = 0; j < y.shape[3]; j++, to++)
          for (let c = 0; c < channels; c++)
            for (let a = 0; a < k; a++)
              for (let b = 0; b < k; b++) {
                const [row, column] = [i * stride + a - padding, j * stride + b - padding];
                if (row < 0 || row >= height || column < 0 || column >= width) continue;
                const pixel = x.data[(c * height + row) * width + column];
                y.data[to] += w[((o * channels + c) * k + a) * k + b] * pixel;
              }
    return y;
  }

  norm(key: string, x: Tensor): Tensor {
    const of = (entry: string) => this.dict[`${key}.${entry}`].data;
    const [mean, variance] = [of("running_mean"), of("running_var")];
    const [weight, bias] = [of("weight"), of("bias")];
    const plane = x.shape[2] * x.shape[3];
    return mapped(x, (value, i) => {
      const c = Math.floor(i / plane);
      return ((value - mean[c]) / Math.sqrt(variance[c] + 1e-5)) * weight[c] + bias[c];
    });
  }

  linear(key: string, x: Tensor): Float64Array {
    const [weight, bias] = [this.dict[`${key}.weight`], this.dict[`${key}.bias`]];
    return Float64Array.from(bias.data, (start, o) => {
      let sum = start;
      x.data.forEach((value, i) => {
        sum += value * weight.data[o * x.data.length + i];
      });
      return sum;
    });
  }
}

function zeros(shape: readonly number[]): Tensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

function mapped({ shape, data }: Tensor, f: (value: number, i: number) => number): Tensor {
  return { shape, data: Float64Array.from(data, f) };
}

const relu = (x: Tensor) => mapped(x, (value) => Math.max(0, value));
const add = (x: Tensor, y: Tensor) => mapped(x, (value, i) => value + y.data[i]);

/** 3x3 windows, stride 2, padding 1. */
function maxPool(x: Tensor): Tensor {
  const [, channels, height, width] = x.shape;
  const y = zeros([1, channels, Math.ceil(height / 2), Math.ceil(width / 2)]);
  const [, , rows, columns] = y.shape;
  y.data.forEach((_, at) => {
    const [c, i, j] = [
      Math.floor(at / rows / columns),
      Math.floor(at / columns) % rows,
      at % columns,
    ];
    let largest = -Infinity;
    for (let row = Math.max(0, 2 * i - 1); row <= Math.min(height - 1, 2 * i + 1); row++)
      for (let column = Math.max(0, 2 * j - 1); column <= Math.min(width - 1, 2 * j + 1); column++)
        largest = Math.max(largest, x.data[(c * height + row) * width + column]);
    y.data[at] = largest;
  });
  return y;
}

function globalAverage(x: Tensor): Tensor {
  const plane = x.shape[2] * x.shape[3];
  const means = zeros([1, x.shape[1]]);
  x.data.forEach((value, i) => {
    means.data[Math.floor(i / plane)] += value / plane;
  });
  return means;
}

/** F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, planes // 4, planes // 4)) */
function optionA(x: Tensor, planes: number): Tensor {
  const [, channels, height, width] = x.shape;
  const y = zeros([1, planes, Math.ceil(height / 2), Math.ceil(width / 2)]);
  const before = Math.floor(planes / 4);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < height; i += 2)
      for (let j = 0; j < width; j += 2) {
        const to = ((c + before) * y.shape[2] + i / 2) * y.shape[3] + j / 2;
        y.data[to] = x.data[(c * height + i) * width + j];
      }
  return y;
}

/** Logits of torchvision's ResNet and of those for CIFAR; whose it is, the keys tell. */
export function publishedResnet(dict: Tensors, image: Tensor): Float64Array {
  const m = new Module(dict);
  const kernel = dict["conv1.weight"].shape[2];
  const stem = kernel === 7 ? { stride: 2, padding: 3 } : { padding: 1 };
  let x = relu(m.norm("bn1", m.conv("conv1", image, stem)));
  if (kernel === 7) x = maxPool(x);
  for (let stage = 1; m.has(`layer${stage}.0.conv1.weight`); stage++)
    for (let i = 0; m.has(`layer${stage}.${i}.conv1.weight`); i++) {
      x = block(m, `layer${stage}.${i}`, x, stage > 1 && i === 0 ? 2 : 1);
    }
  return m.linear(m.has("fc.weight") ? "fc" : "linear", globalAverage(x));
}

function block(m: Module, key: string, x: Tensor, stride: number): Tensor {
  const layer = (n: number, input: Tensor, conv: Conv) =>
    m.norm(`${key}.bn${n}`, m.conv(`${key}.conv${n}`, input, conv));
  const isBottleneck = m.has(`${key}.conv3.weight`);
  const y = isBottleneck
    ? layer(3, relu(layer(2, relu(layer(1, x, {})), { stride, padding: 1 })), {})
    : layer(2, relu(layer(1, x, { stride, padding: 1 })), { padding: 1 });
  const projected = ["downsample", "shortcut"].find((name) => m.has(`${key}.${name}.0.weight`));
  if (projected) {
    const conv = m.conv(`${key}.${projected}.0`, x, { stride });
    return relu(add(y, m.norm(`${key}.${projected}.1`, conv)));
  }
  return relu(add(y, y.shape[1] === x.shape[1] ? x : optionA(x, y.shape[1])));
}
