import { OnebitError } from "onebit";
import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import {
  type TestConstant,
  type TestOperator,
  type TfliteFileOptions,
  tfliteFile,
} from "../test-support/tflite-files.js";

const told = { preprocess: { mean: [0], std: [1] } };
const read = (
  operators: readonly TestOperator[],
  constants: Constants,
  file: TfliteFileOptions = {},
) => importCheckpoint(memoryBuffer(tfliteFile(operators, constants, file), "net.tflite"), told);
type Constants = { readonly [name: string]: TestConstant };

/** Numbers from -4 to 4, among them 0. */
const random = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => ((i * 37 + seed * 11) % 9) - 4);
const floats = (shape: readonly number[], seed: number): TestConstant => {
  const size = shape.reduce((n, dim) => n * dim, 1);
  return { shape, data: Float32Array.from(random(size, seed), (x) => x / 3) };
};

/** Weights [O, KH, KW, C] of -1 and +1, and as Larq Compute Engine packs them. */
function signs(outs: number, k: number, channels: number, groups = 1) {
  const inputs = channels / groups;
  const words = Math.ceil(inputs / 32);
  const values = Int8Array.from({ length: outs * k * k * inputs }, (_, i) =>
    (i * i * 7 + i) % 5 > 2 ? -1 : 1,
  );
  const packed = new Int32Array(outs * k * k * words);
  values.forEach((value, i) => {
    const [place, channel] = [Math.floor(i / inputs), i % inputs];
    if (value < 0) packed[place * words + (channel >> 5)] |= 1 << (channel & 31);
  });
  return { values, packed: { shape: [outs, k, k, words], data: packed } };
}

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

const options = {
  ...{ fused_activation_function: 0, pad_values: 0, padding: 0 },
  ...{ stride_height: 1, stride_width: 1 },
  ...{ dilation_height_factor: 1, dilation_width_factor: 1 },
};
const quantize = (from: string, shape: readonly number[]): TestOperator => ({
  op: "LceQuantize",
  inputs: [from],
  out: [`${from}.bits`, shape.with(-1, Math.ceil(shape.at(-1)! / 32)), "int32"],
});
/** Means over the map, as scores. */
const pooled = (from: string, channels: number): TestOperator => ({
  op: 40,
  inputs: [from, "axes"],
  out: ["y", [1, channels]],
  options: [{ i8: 0 }],
});
const axes: TestConstant = { shape: [2], data: Int32Array.of(1, 2) };

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

describe("what cannot be read is refused with its place", () => {
  const { packed } = signs(4, 3, 3);
  const four = { shape: [4], data: new Float32Array(4).fill(1) };
  const constants: Constants = { w: packed, m: four, b: four, axes };
  const conv = (custom: object = {}, rest: Partial<TestOperator> = {}): TestOperator => ({
    op: "LceBconv2d",
    inputs: ["x.bits", "w", "m", "b", ""],
    out: ["c", [1, 5, 5, 4]],
    custom: { ...options, channels_in: 3, ...custom },
    ...rest,
  });
  const with1 = (operator: TestOperator): readonly TestOperator[] => [
    quantize("x", [1, 5, 5, 3]),
    operator,
    pooled("c", 4),
  ];
  const where = "operator 1, LceBconv2d, that makes c";
  it.each<[string, readonly TestOperator[], string | RegExp, Constants?, TfliteFileOptions?]>([
    [
      "a standard operator that is not known",
      with1({ ...conv(), op: 16 }),
      /operator 1, LSTM, that makes c: is an operator that onebit does not know/,
    ],
    [
      "a custom one",
      with1({ ...conv(), op: "TFLite_Detection_PostProcess" }),
      /TFLite_Detection_PostProcess.*does not know/,
    ],
    ["another version", with1(conv({}, { version: 2 })), `${where}: its version is 2; 1 is known`],
    ["other pad values", with1(conv({ pad_values: 2 })), `${where}: its pad_values is 2`],
    [
      "zeros around bits that have an activation",
      with1(conv({ fused_activation_function: 1 })),
      /pads with zeros and writes bits or has a fused activation/,
    ],
    [
      "an activation that is none",
      with1(conv({ fused_activation_function: 9 })),
      /fused activation 9 is not known/,
    ],
    ["a padding that is none", with1(conv({ padding: 7 })), /padding 7 is neither SAME nor VALID/],
    ["a stride of 0", with1(conv({ stride_width: 0 })), /stride 1,0 .*must be positive/],
    [
      "other channels",
      with1(conv({ channels_in: 64 })),
      `${where}: its channels_in is 64, its input has 3 channels`,
    ],
    [
      "a dilation that pads a map beyond memory",
      with1(conv({ dilation_height_factor: 2 ** 30, pad_values: 1 })),
      /c\.sums: with 1073741824 and 1 rows and columns before it .*more than 67108864 numbers/,
    ],
    [
      "a slice whose ends count from its begins",
      [
        ...with1(conv()).slice(0, 2),
        {
          ...{ op: 45, inputs: ["c", "begin", "end", "ones"], out: ["z", [1, 5, 5, 2]] },
          options: [{ i32: 7 }, { i32: 7 }, { i32: 0 }, { i32: 0 }, { i32: 0 }, { i8: 1 }],
        },
        pooled("z", 2),
      ],
      /STRIDED_SLICE, that makes z: its ends count from its begins/,
      {
        ...constants,
        begin: { shape: [4], data: Int32Array.of(0, 0, 0, 1) },
        end: { shape: [4], data: Int32Array.of(0, 0, 0, 2) },
        ones: { shape: [4], data: Int32Array.of(1, 1, 1, 1) },
      },
    ],
    [
      "channels that are put on one side and taken on the other",
      [
        ...with1(conv()).slice(0, 2),
        { op: 34, inputs: ["c", "pads"], out: ["z", [1, 5, 5, 4]] },
        pooled("z", 4),
      ],
      /PAD, that makes z: it pads images or channels/,
      { ...constants, pads: { shape: [4, 2], data: Int32Array.of(0, 0, 0, 0, 0, 0, 1, -1) } },
    ],
    [
      "options that are missing",
      with1({ ...conv(), custom: { padding: 0 } }),
      /its option channels_in is missing/,
    ],
    [
      "weights for another input",
      with1(conv()),
      /its weights have 2 words for each position/,
      { ...constants, w: { shape: [4, 3, 3, 2], data: new Int32Array(72) } },
    ],
    [
      "multipliers for other outputs",
      with1(conv()),
      /its input 2 has the shape \[3\]/,
      { ...constants, m: { shape: [3], data: new Float32Array(3) } },
    ],
    [
      "an input that is not bit-packed",
      [conv({}, { inputs: ["x", "w", "m", "b", ""] }), pooled("c", 4)],
      /its input 0 is not bit-packed/,
    ],
    ["a network that is not binary", [pooled("x", 3)], /no binary convolution \(LceBconv2d\)/],
    [
      "a table of numbers",
      with1(conv()),
      /its input x is float32 \[1,75\]; an image is wanted/,
      constants,
      { input: [1, 75] },
    ],
    [
      "another version of the format",
      with1(conv()),
      /version 2 of TensorFlow Lite's format; 3 is known/,
      constants,
      { version: 2 },
    ],
    ["several graphs", with1(conv()), /2 graphs: a network has one/, constants, { graphs: 2 }],
  ])("%s", async (_, operators, message, own = constants, file) => {
    const refusal = await read(operators, own, file).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OnebitError);
    expect(String(refusal)).toMatch(/net\.tflite: /);
    expect(String(refusal)).toMatch(message);
  });
});
