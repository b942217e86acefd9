import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { type TestOperator, tfliteFile } from "../test-support/tflite-files.js";
import {
  axes,
  type Constants,
  floats,
  options,
  pooled,
  quantize,
  read,
  signs,
} from "../test-support/tflite-network.js";

interface Geometry {
  readonly outs: number;
  readonly k: number;
  readonly stride: number;
  readonly groups?: number;
  readonly padValue?: number;
}

/** Sums of signs in plain loops, NHWC, padded as TensorFlow's "same". */
function sums(
  map: ArrayLike<number>,
  [height, width, channels]: readonly number[],
  weights: Int8Array,
  g: Geometry,
) {
  const { outs, k, stride, groups = 1, padValue = 0 } = g;
  const size = (n: number) => Math.ceil(n / stride);
  const before = (n: number) => Math.floor(Math.max(0, (size(n) - 1) * stride + k - n) / 2);
  const inputs = channels / groups;
  const result: number[] = [];
  for (let oy = 0; oy < size(height); oy++)
    for (let ox = 0; ox < size(width); ox++)
      for (let o = 0; o < outs; o++) {
        let sum = 0;
        for (let ky = 0; ky < k; ky++)
          for (let kx = 0; kx < k; kx++)
            for (let c = 0; c < inputs; c++) {
              const [y, x] = [oy * stride + ky - before(height), ox * stride + kx - before(width)];
              const inside = y >= 0 && x >= 0 && y < height && x < width;
              const channel = Math.floor(o / (outs / groups)) * inputs + c;
              const sign = inside
                ? map[(y * width + x) * channels + channel] < 0
                  ? -1
                  : 1
                : padValue;
              sum += sign * weights[((o * k + ky) * k + kx) * inputs + c];
            }
        result.push(sum);
      }
  return result;
}

const image = randomImages([1, 3, 5, 5], 3);
const last = Float64Array.from(
  { length: 75 },
  (_, i) => image.data[(i % 3) * 25 + Math.floor(i / 3)],
);
const meansOf = (map: readonly number[], channels: number) =>
  Array.from({ length: channels }, (_, c) => {
    const own = map.filter((_, i) => i % channels === c);
    return own.reduce((sum, x) => sum + x, 0) / own.length;
  });

async function computes(
  operators: readonly TestOperator[],
  constants: Constants,
  wanted: readonly number[],
) {
  const { model } = await read(operators, constants);
  const graph = floatModelGraph(model);
  const { logits } = evaluate(graph, { x: image }, model.tensors).outputs;
  for (const [i, value] of wanted.entries()) expect(logits.data[i]).toBeCloseTo(value, 4);
  const packed = pack(graph, model.tensors);
  expect(packed.program.steps.some(({ kind }) => kind === "binary-conv")).toBe(true);
  expect(comparePacked(graph, model.tensors, packed, image)).toMatchObject({ differentBits: 0 });
}

it("takes pixels as its input of 8 bits does, and says so", async () => {
  const { packed } = signs(4, 3, 3);
  const operators: TestOperator[] = [
    quantize("x", [1, 5, 5, 3]),
    {
      op: "LceBconv2d",
      inputs: ["x.bits", "w", "m", "b", ""],
      out: ["c", [1, 5, 5, 4]],
      custom: { ...options, channels_in: 3 },
    },
    pooled("c", 4),
  ];
  const constants = { w: packed, m: floats([4], 1), b: floats([4], 2), axes };
  const bytes = tfliteFile(operators, constants, { inputType: "int8" });
  const { model, report } = await importCheckpoint(memoryBuffer(bytes, "net.tflite"), {});
  // The file's scale is 0.05, its zero 3; a pixel is given less 128.
  for (const pixel of [0, 77, 255]) {
    const { mean, std } = model.preprocess;
    expect((pixel / 255 - mean[2]) / std[2]).toBeCloseTo(Math.fround(0.05) * (pixel - 128 - 3), 9);
  }
  expect(report.notes.join("\n")).toMatch(
    /as the file's input of 8 bits takes them \(--mean 0\.5137 --std 0\.07843\)/,
  );
});

describe("a binary convolution of Larq Compute Engine", () => {
  it.each<[string, Omit<Geometry, "outs" | "k">, number]>([
    ["of three channels", { stride: 1 }, 0],
    ["with a stride, padded on the far side", { stride: 2 }, 0],
    ["padded with ones", { stride: 2, padValue: 1 }, 0],
    ["with a fused activation", { stride: 1, padValue: 1 }, 3],
  ])("%s has its multiplier and bias", async (_, geometry, activation) => {
    const g = { outs: 4, k: 3, ...geometry };
    const { values, packed } = signs(4, 3, 3);
    const [multiplier, bias] = [floats([4], 1), floats([4], 2)];
    const clamp = (x: number) => (activation === 3 ? Math.min(Math.max(x, 0), 6) : x);
    const map = sums(last, [5, 5, 3], values, g).map(
      (sum, i) => clamp(sum) * multiplier.data[i % 4] + bias.data[i % 4],
    );
    const size = Math.ceil(5 / g.stride);
    const custom = {
      ...options,
      ...{ channels_in: 3, stride_height: g.stride, stride_width: g.stride },
      pad_values: geometry.padValue ?? 0,
      fused_activation_function: activation,
    };
    const operators: TestOperator[] = [
      quantize("x", [1, 5, 5, 3]),
      {
        op: "LceBconv2d",
        inputs: ["x.bits", "w", "multiplier", "bias", ""],
        out: ["c", [1, size, size, 4]],
        custom,
      },
      pooled("c", 4),
    ];
    await computes(operators, { w: packed, multiplier, bias, axes }, meansOf(map, 4));
  });

  it("has a factor of its own for each channel, 0 and below 0 too, and is multiplied by its means", async () => {
    const { values, packed } = signs(4, 3, 3);
    const multiplier = { shape: [4], data: Float32Array.of(0.5, -1, 0, 2) };
    const bias = floats([4], 2);
    const map = sums(last, [5, 5, 3], values, { outs: 4, k: 3, stride: 1, padValue: 1 }).map(
      (sum, i) => sum * multiplier.data[i % 4] + bias.data[i % 4],
    );
    const operators: TestOperator[] = [
      quantize("x", [1, 5, 5, 3]),
      {
        op: "LceBconv2d",
        inputs: ["x.bits", "w", "multiplier", "bias", ""],
        out: ["c", [1, 5, 5, 4]],
        custom: { ...options, channels_in: 3, pad_values: 1 },
      },
      { ...pooled("c", 4), out: ["means", [1, 4]] },
      { op: 18, inputs: ["c", "means"], out: ["z", [1, 5, 5, 4]], options: [{ i8: 0 }] },
      pooled("z", 4),
    ];
    const wanted = meansOf(map, 4).map((mean) => mean * mean);
    await computes(operators, { w: packed, multiplier, bias, axes }, wanted);
  });

  it("leads to scores, which a softmax of 8 bits at the end does not bound", async () => {
    const { values, packed } = signs(4, 3, 3);
    const numbers = { multiplier: floats([4], 1), bias: floats([4], 2) };
    const map = sums(last, [5, 5, 3], values, { outs: 4, k: 3, stride: 1 }).map(
      (sum, i) => sum * numbers.multiplier.data[i % 4] + numbers.bias.data[i % 4],
    );
    const operators: TestOperator[] = [
      quantize("x", [1, 5, 5, 3]),
      {
        op: "LceBconv2d",
        inputs: ["x.bits", "w", "multiplier", "bias", ""],
        out: ["c", [1, 5, 5, 4]],
        custom: { ...options, channels_in: 3 },
      },
      { ...pooled("c", 4), out: ["scores", [1, 4]] },
      { op: 25, inputs: ["scores"], out: ["s", [1, 4], "int8"], options: [{ f32: 1 }] },
      { op: 6, inputs: ["s"], out: ["y", [1, 4]] },
    ];
    const wanted = meansOf(map, 4).map((mean) => 20 * mean);
    const twenty = { shape: [4], data: numbers.multiplier.data.map((x) => 20 * x) };
    const shifted = { shape: [4], data: numbers.bias.data.map((x) => 20 * x) };
    expect(Math.max(...wanted)).toBeGreaterThan(0.05 * (127 - 3));
    await computes(operators, { w: packed, multiplier: twenty, bias: shifted, axes }, wanted);
  });

  it("that writes bits compares popcounts; bits are pooled, convolved in groups and unpacked", async () => {
    const stem = floats([64, 1, 1, 3], 5);
    const first = signs(64, 3, 64);
    const second = signs(4, 3, 64, 2);
    const wide = Array.from({ length: 25 * 64 }, (_, i) => {
      const [pixel, o] = [Math.floor(i / 64), i % 64];
      return [0, 1, 2].reduce((sum, c) => sum + last[pixel * 3 + c] * stem.data[o * 3 + c], 0);
    });
    const products = 64 * 9;
    const thresholds = Int32Array.from(
      { length: 64 },
      (_, o) => [products / 2 - 3, -(2 ** 31), 2 ** 31 - 1, products / 2][o % 4],
    );
    const popcounts = sums(wide, [5, 5, 64], first.values, {
      outs: 64,
      k: 3,
      stride: 1,
      padValue: 1,
    }).map((sum) => (products - sum) / 2);
    const bits = popcounts.map((count, i) => (count > thresholds[i % 64] ? -1 : 1));
    // 2x2 maxima with stride 2, padded on the far side.
    const halved = Array.from({ length: 9 * 64 }, (_, i) => {
      const [pixel, c] = [Math.floor(i / 64), i % 64];
      const at = (dy: number, dx: number) => {
        const [y, x] = [2 * Math.floor(pixel / 3) + dy, 2 * (pixel % 3) + dx];
        return y < 5 && x < 5 ? bits[(y * 5 + x) * 64 + c] : -1;
      };
      return Math.max(at(0, 0), at(0, 1), at(1, 0), at(1, 1));
    });
    const map = sums(halved, [3, 3, 64], second.values, { outs: 4, k: 3, stride: 1, groups: 2 });
    const ones = { shape: [4], data: new Float32Array(4).fill(1) };
    const zeros = { shape: [4], data: new Float32Array(4) };
    const operators: TestOperator[] = [
      {
        op: 3,
        inputs: ["x", "stem"],
        out: ["s", [1, 5, 5, 64]],
        options: [{ i8: 0 }, { i32: 1 }, { i32: 1 }, { i8: 0 }],
      },
      quantize("s", [1, 5, 5, 64]),
      {
        op: "LceBconv2d",
        inputs: ["s.bits", "w1", "", "", "thresholds"],
        out: ["b", [1, 5, 5, 2], "int32"],
        custom: { ...options, channels_in: 64, pad_values: 1 },
      },
      {
        op: "LceBMaxPool2d",
        inputs: ["b"],
        out: ["p", [1, 3, 3, 2], "int32"],
        custom: {
          ...{ filter_height: 2, filter_width: 2 },
          ...{ stride_height: 2, stride_width: 2, padding: 0 },
        },
      },
      {
        op: "LceBconv2d",
        inputs: ["p", "w2", "ones", "zeros", ""],
        out: ["c", [1, 3, 3, 4]],
        custom: { ...options, channels_in: 64 },
      },
      pooled("c", 4),
    ];
    await computes(
      operators,
      {
        stem,
        w1: first.packed,
        thresholds: { shape: [64], data: thresholds },
        w2: second.packed,
        ones,
        zeros,
        axes,
      },
      meansOf(map, 4),
    );
  });

  it("whose signs are numbers again keeps its rows, columns and channels in order when flattened", async () => {
    const { values, packed } = signs(4, 3, 3);
    const matrix = floats([2, 100], 7);
    const ones = { shape: [4], data: new Float32Array(4).fill(1) };
    const map = sums(last, [5, 5, 3], values, { outs: 4, k: 3, stride: 1 });
    const wanted = [0, 1].map((o) =>
      map.reduce((sum, x, i) => sum + (x < 0 ? -1 : 1) * matrix.data[o * 100 + i], 0),
    );
    const operators: TestOperator[] = [
      quantize("x", [1, 5, 5, 3]),
      {
        op: "LceBconv2d",
        inputs: ["x.bits", "w", "ones", "zeros", ""],
        out: ["c", [1, 5, 5, 4]],
        custom: { ...options, channels_in: 3 },
      },
      quantize("c", [1, 5, 5, 4]),
      { op: "LceDequantize", inputs: ["c.bits"], out: ["d", [1, 5, 5, 4]] },
      { op: 22, inputs: ["d"], out: ["f", [1, 100]], options: [{ ints: [1, 100] }] },
      { op: 9, inputs: ["f", "matrix", ""], out: ["y", [1, 2]], options: [{ i8: 0 }] },
    ];
    await computes(
      operators,
      { w: packed, matrix, ones, zeros: { shape: [4], data: new Float32Array(4) } },
      wanted,
    );
  });
});
