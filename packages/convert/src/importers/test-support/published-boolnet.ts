import type { Tensor } from "onebit/graph";
import type { Tensors } from "./checkpoints.js";
import {
  add,
  addBias,
  averagePool,
  convolve,
  globalAverage,
  Module,
  mapped,
  maxPool,
  zeros,
} from "./plain-modules.js";

interface Told {
  readonly slices: number;
  /** replace_stride_with_dilation */
  readonly dilated?: readonly boolean[];
}

/** A map [1, S, C, H, W] as its S maps. */
type Slices = readonly Tensor[];

/** GhostSign, in evaluation. */
function ghostSign(x: Tensor, slices: number): Slices {
  const k = Math.floor(slices / 2);
  const offsets: number[] = [];
  for (let i = -k; i <= k; i++) if (i !== 0) offsets.push((1 / (k + 1)) * i);
  if (k === 0) offsets.push(0);
  return offsets.map((offset) => mapped(x, (value) => Math.sign(value + offset)));
}

/** x.view(N, -1, H, W) */
function viewed(slices: Slices): Tensor {
  const [, channels, height, width] = slices[0].shape;
  const all = zeros([1, slices.length * channels, height, width]);
  slices.forEach((slice, s) => {
    all.data.set(slice.data, s * channels * height * width);
  });
  return all;
}

function replicated(x: Tensor, padding: number): Tensor {
  const [, channels, height, width] = x.shape;
  const y = zeros([1, channels, height + 2 * padding, width + 2 * padding]);
  const [, , rows, columns] = y.shape;
  const inside = (at: number, size: number) => Math.min(Math.max(at - padding, 0), size - 1);
  for (let c = 0; c < channels; c++)
    for (let i = 0; i < rows; i++)
      for (let j = 0; j < columns; j++) {
        const from = (c * height + inside(i, height)) * width + inside(j, width);
        y.data[(c * rows + i) * columns + j] = x.data[from];
      }
  return y;
}

/** sign(w) times the mean |w| of each output channel. */
function binarized({ shape, data }: Tensor): Tensor {
  const all = Float64Array.from(data);
  const size = all.length / shape[0];
  const means = Array.from({ length: shape[0] }, (_, o) => {
    return all.subarray(o * size, (o + 1) * size).reduce((sum, w) => sum + Math.abs(w), 0) / size;
  });
  return {
    shape,
    data: Float64Array.from(data, (w, i) => Math.sign(w) * means[Math.floor(i / size)]),
  };
}

function multiBConv(m: Module, key: string, x: Slices, stride: number, dilation: number): Tensor {
  const weight = binarized(m.dict[`${key}.weight`]);
  const around = replicated(viewed(x), dilation);
  return convolve(around, weight, { stride, dilation, groups: x.length });
}

const xnor = (x: Tensor, y: Tensor) => mapped(x, (value, i) => value * y.data[i]);
const or = (x: Tensor, y: Tensor) => {
  return mapped(x, (value, i) => Math.min(1, (value + 1) / 2 + (y.data[i] + 1) / 2) * 2 - 1);
};

function channels({ shape, data }: Tensor, from: number, to: number): Tensor {
  const plane = shape[2] * shape[3];
  return {
    shape: [1, to - from, shape[2], shape[3]],
    data: data.slice(from * plane, to * plane),
  };
}

/** torch.cat((z_1, z_2), dim = 2).transpose(2, 3).view(N, S, -1, H, W), of one slice. */
function interleaved(first: Tensor, second: Tensor): Tensor {
  const [, count, height, width] = first.shape;
  const plane = height * width;
  const y = zeros([1, 2 * count, height, width]);
  for (let c = 0; c < count; c++) {
    y.data.set(first.data.subarray(c * plane, (c + 1) * plane), 2 * c * plane);
    y.data.set(second.data.subarray(c * plane, (c + 1) * plane), (2 * c + 1) * plane);
  }
  return y;
}

/** Logits of BoolNet_k_4's BoolNet, and of BaseNet_k_4's, whose keys tell it apart. */
export const publishedBoolnet =
  ({ slices, dilated = [false, false, false] }: Told) =>
  (dict: Tensors, image: Tensor): Float64Array => {
    const m = new Module(dict);
    const base = m.has("ghostbnsign.0.weight");
    const stem = m.norm("maxpool.0", m.conv("conv1", image, { stride: 2, padding: 3 }));
    const start = maxPool(stem, { kernel: 3, stride: 2, padding: 1 });
    let x = ghostSign(base ? m.norm("ghostbnsign.0", start) : ghostBn(m, start), slices);
    let dilation = 1;
    for (let stage = 1; m.has(`layer${stage}.0.conv1.weight`); stage++) {
      let stride = stage > 1 ? 2 : 1;
      const previous = dilation;
      if (stage > 1 && dilated[stage - 2]) [dilation, stride] = [dilation * stride, 1];
      for (let i = 0; m.has(`layer${stage}.${i}.conv1.weight`); i++) {
        const last = !m.has(`layer${stage}.${i + 1}.conv1.weight`) && stage === 4;
        const shape = {
          ...{ base, last, slices },
          stride: i === 0 ? stride : 1,
          dilation: i === 0 ? previous : dilation,
        };
        x = block(m, `layer${stage}.${i}`, x, shape);
      }
    }
    const slopes = dict["prelu2.weight"].data;
    const plane = x[0].shape[2] * x[0].shape[3];
    const y = mapped(x[0], (v, i) => (v > 0 ? v : v * slopes[Math.floor(i / plane)]));
    return m.linear("fc", globalAverage(y));
  };

function ghostBn(m: Module, x: Tensor): Tensor {
  const zero = "ghostbnsign.adaptive_zero_points";
  const groups = x.shape[1];
  const points = m.conv(`${zero}.0`, m.norm("ghostbnsign.bn2", x), { padding: 1, groups });
  return add(m.norm("ghostbnsign.bn1", x), m.norm(`${zero}.1`, points));
}

interface Shape {
  readonly base: boolean;
  readonly last: boolean;
  readonly slices: number;
  readonly stride: number;
  readonly dilation: number;
}

function block(m: Module, key: string, input: Slices, shape: Shape): Slices {
  const { base, last, slices, stride, dilation } = shape;
  const inChannels = m.dict[`${key}.conv1.weight`].shape[1];
  const given = input[0].shape[1];
  const halves = !base && Math.floor(given / inChannels) === 2;
  const x = halves ? input.map((map) => channels(map, 0, given / 2)) : input;
  const residual = m.has(`${key}.downsample.0.weight`) ? downsample(m, key, x, shape) : x;
  const own = ghostSign(
    m.norm(`${key}.bn1`, multiBConv(m, `${key}.conv1`, x, stride, dilation)),
    slices,
  );
  const y = own.map((map, s) => xnor(map, residual[s]));
  const z = m.norm(`${key}.bn2`, multiBConv(m, `${key}.conv2`, y, 1, dilation));
  if (last) {
    const mean = mapped(y[0], (_, i) => y.reduce((sum, map) => sum + map.data[i], 0) / slices);
    return [add(z, m.norm(`${key}.bn3`, mean))];
  }
  const first = ghostSign(z, slices).map((map, s) => or(map, residual[s]));
  if (base) return first;
  return first.map((map, s) => {
    const second = halves ? channels(input[s], given / 2, given) : residual[s];
    return interleaved(map, second);
  });
}

function downsample(m: Module, block: string, x: Slices, { slices, stride }: Shape): Slices {
  const key = `${block}.downsample`;
  const binary = m.has(`${key}.0.temperature`);
  const weight = m.dict[`${key}.0.weight`];
  const products = binary
    ? convolve(viewed(x), binarized(weight))
    : convolve(viewed(x), weight, { groups: slices });
  const biased = addBias(products, m.dict[`${key}.0.bias`]);
  if (stride === 1) return ghostSign(m.norm(`${key}.1`, biased), slices);
  const halving = { kernel: 2, stride: 2 };
  const pooled = binary ? maxPool(biased, halving) : averagePool(biased, halving);
  return ghostSign(m.norm(`${key}.2`, pooled), slices);
}
