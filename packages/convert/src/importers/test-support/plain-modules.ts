import { sizeOf, type Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";

export interface Conv {
  readonly stride?: number;
  readonly padding?: number;
  readonly groups?: number;
  readonly dilation?: number;
}

export interface Pool {
  readonly kernel: number;
  readonly stride: number;
  readonly padding?: number;
}

/** Networks as their authors' PyTorch modules compute them from a state dict, loop by loop. */
export class Module {
  constructor(readonly dict: Tensors) {}

  has(key: string): boolean {
    return key in this.dict;
  }

  conv(key: string, x: Tensor, options: Conv = {}): Tensor {
    return convolve(x, this.dict[`${key}.weight`], options);
  }

  norm(key: string, x: Tensor, epsilon = 1e-5): Tensor {
    const of = (entry: string) => this.dict[`${key}.${entry}`].data;
    const [mean, variance] = [of("running_mean"), of("running_var")];
    const [weight, bias] = [of("weight"), of("bias")];
    const plane = x.shape[2] * x.shape[3];
    return mapped(x, (value, i) => {
      const c = Math.floor(i / plane);
      return ((value - mean[c]) / Math.sqrt(variance[c] + epsilon)) * weight[c] + bias[c];
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

/** weight: [O, I / groups, k, k]. Padding is zeros. */
export function convolve(
  x: Tensor,
  { shape: [outs, channels, k], data: w }: Tensor,
  { stride = 1, padding = 0, groups = 1, dilation = 1 }: Conv = {},
): Tensor {
  const [, , height, width] = x.shape;
  const span = (k - 1) * dilation + 1;
  const size = (side: number) => Math.floor((side + 2 * padding - span) / stride) + 1;
  const y = zeros([1, outs, size(height), size(width)]);
  let to = 0;
  for (let o = 0; o < outs; o++)
    for (let i = 0; i < y.shape[2]; i++)
      for (let j = 0; j < y.shape[3]; j++, to++)
        for (let c = 0; c < channels; c++)
          for (let a = 0; a < k; a++)
            for (let b = 0; b < k; b++) {
              const row = i * stride + a * dilation - padding;
              const column = j * stride + b * dilation - padding;
              if (row < 0 || row >= height || column < 0 || column >= width) continue;
              const from = Math.floor((o * groups) / outs) * channels + c;
              const pixel = x.data[(from * height + row) * width + column];
              y.data[to] += w[((o * channels + c) * k + a) * k + b] * pixel;
            }
  return y;
}

export function zeros(shape: readonly number[]): Tensor {
  return { shape, data: new Float64Array(sizeOf(shape)) };
}

export function mapped({ shape, data }: Tensor, f: (value: number, i: number) => number): Tensor {
  return { shape, data: Float64Array.from(data, f) };
}

export const relu = (x: Tensor) => mapped(x, (value) => Math.max(0, value));
export const add = (x: Tensor, y: Tensor) => mapped(x, (value, i) => value + y.data[i]);

export const addBias = (x: Tensor, { data }: Tensor) =>
  mapped(x, (value, i) => value + data[Math.floor(i / (x.shape[2] * x.shape[3]))]);

/** What `merge` makes of the pixels in each window, padding left out. */
function pooled(
  x: Tensor,
  { kernel, stride, padding = 0 }: Pool,
  merge: (pixels: readonly number[]) => number,
): Tensor {
  const [, channels, height, width] = x.shape;
  const size = (side: number) => Math.floor((side + 2 * padding - kernel) / stride) + 1;
  const y = zeros([1, channels, size(height), size(width)]);
  const [, , rows, columns] = y.shape;
  const window = (at: number, side: number) => {
    const all = Array.from({ length: kernel }, (_, i) => at * stride + i - padding);
    return all.filter((i) => i >= 0 && i < side);
  };
  y.data.forEach((_, at) => {
    const [c, i, j] = [
      Math.floor(at / rows / columns),
      Math.floor(at / columns) % rows,
      at % columns,
    ];
    const pixels = window(i, height).flatMap((row) =>
      window(j, width).map((column) => x.data[(c * height + row) * width + column]),
    );
    y.data[at] = merge(pixels);
  });
  return y;
}

export const maxPool = (x: Tensor, pool: Pool) => pooled(x, pool, (pixels) => Math.max(...pixels));

/** PyTorch's: padding counts as zeros. */
export const averagePool = (x: Tensor, pool: Pool) =>
  pooled(x, pool, (pixels) => pixels.reduce((sum, p) => sum + p, 0) / pool.kernel ** 2);

export function globalAverage(x: Tensor): Tensor {
  const plane = x.shape[2] * x.shape[3];
  const means = zeros([1, x.shape[1]]);
  x.data.forEach((value, i) => {
    means.data[Math.floor(i / plane)] += value / plane;
  });
  return means;
}
