import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import type { TestLayer } from "../test-support/keras-files.js";
import { array, binary, input, norm, read } from "../test-support/keras-network.js";

const CHANNELS = 6;

interface Geometry {
  readonly kernel: readonly [number, number];
  readonly outs: number;
  readonly strides?: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly groups?: number;
  readonly padValue?: number;
  readonly valid?: boolean;
  readonly size?: readonly [number, number];
}

/** Keras's definition in plain loops: signs [C, H, W], kernel [KH, KW, I / groups, O]; an odd row is padded behind. */
function convolved(
  map: (c: number, y: number, x: number) => number | undefined,
  kernel: Float32Array,
  g: Required<Geometry>,
): number[] {
  const { kernel: taps, outs, strides, dilation, groups, padValue, valid, size } = g;
  const ins = CHANNELS / groups;
  const spans = taps.map((k, i) => (k - 1) * dilation[i] + 1);
  const outputs = size.map((n, i) =>
    valid ? Math.floor((n - spans[i]) / strides[i]) + 1 : Math.ceil(n / strides[i]),
  );
  const before = size.map((n, i) =>
    valid ? 0 : Math.floor(Math.max(0, (outputs[i] - 1) * strides[i] + spans[i] - n) / 2),
  );
  const sums: number[] = [];
  for (let o = 0; o < outs; o++)
    for (let oy = 0; oy < outputs[0]; oy++)
      for (let ox = 0; ox < outputs[1]; ox++) {
        let sum = 0;
        for (let ky = 0; ky < taps[0]; ky++)
          for (let kx = 0; kx < taps[1]; kx++)
            for (let i = 0; i < ins; i++) {
              const y = oy * strides[0] + ky * dilation[0] - before[0];
              const x = ox * strides[1] + kx * dilation[1] - before[1];
              const value = map(Math.floor(o / (outs / groups)) * ins + i, y, x);
              const sign = value === undefined ? padValue : value >= 0 ? 1 : -1;
              const weight = kernel[((ky * taps[1] + kx) * ins + i) * outs + o];
              sum += sign * (weight >= 0 ? 1 : -1);
            }
        sums.push(sum);
      }
  return sums;
}

it.each<[string, Geometry]>([
  ["an even kernel, padded behind", { kernel: [2, 2], outs: 8 }],
  ["a kernel of two sizes", { kernel: [1, 3], outs: 8, padValue: 1 }],
  ["dilation, padded with -1", { kernel: [3, 3], outs: 8, dilation: [2, 1], padValue: -1 }],
  ["a stride and another dilation", { kernel: [3, 3], outs: 8, strides: [2, 1], dilation: [1, 2] }],
  ["groups", { kernel: [3, 3], outs: 6, groups: 3, padValue: 1 }],
  ["33 outputs without padding", { kernel: [3, 2], outs: 33, valid: true }],
  ["a map of one pixel", { kernel: [3, 3], outs: 65, size: [1, 1], padValue: 1 }],
])("%s is Keras's", async (_, geometry) => {
  const g: Required<Geometry> = {
    ...{ strides: [1, 1], dilation: [1, 1], groups: 1, padValue: 0, valid: false, size: [5, 4] },
    ...geometry,
  };
  const kernel = array(...g.kernel, CHANNELS / g.groups, g.outs);
  const config = {
    ...{ ...binary, kernel_size: g.kernel, strides: g.strides, dilation_rate: g.dilation },
    ...{ groups: g.groups, pad_values: g.padValue, padding: g.valid ? "valid" : "same" },
  };
  const layers: readonly TestLayer[] = [
    input(...g.size, 3),
    {
      kind: "Conv2D",
      name: "stem",
      arrays: { kernel: array(1, 1, 3, CHANNELS), bias: array(CHANNELS) },
    },
    { kind: "QuantConv2D", name: "conv", config, arrays: { kernel } },
    norm("bn", g.outs),
    { kind: "GlobalAveragePooling2D", name: "means" },
    {
      kind: "Dense",
      name: "scores",
      config: { use_bias: false },
      arrays: { kernel: array(g.outs, 2) },
    },
  ];
  const { model } = await read(layers);
  const graph = floatModelGraph(model);
  const image = randomImages([1, 3, ...g.size], 7);
  const { values } = evaluate(graph, { x: image }, model.tensors);
  const { data } = values.get("stem")!;
  const [height, width] = g.size;
  const map = (c: number, y: number, x: number) =>
    y < 0 || x < 0 || y >= height || x >= width ? undefined : data[(c * height + y) * width + x];
  expect([...values.get("conv")!.data]).toEqual(convolved(map, kernel.data, g));
  const packed = pack(graph, model.tensors);
  expect(packed.program.steps.map(({ kind }) => kind)).toContain("binary-conv");
  expect(comparePacked(graph, model.tensors, packed, image)).toMatchObject({ differentBits: 0 });
});

const after = (...layers: readonly TestLayer[]): readonly TestLayer[] => [
  input(3, 3, 3),
  {
    kind: "Conv2D",
    name: "stem",
    config: { use_bias: false },
    arrays: { kernel: array(1, 1, 3, 3) },
  },
  ...layers,
  { kind: "Flatten", name: "scores" },
];
const own = (name: string, config: object, reads: string): TestLayer => ({
  ...{ kind: "QuantConv2D", name, inputs: [reads], arrays: { kernel: array(3, 3, 3, 3) } },
  config: { ...binary, kernel_size: [3, 3], ...config },
});

it("zeros around a map are +1 for the quantiser behind them, and are packed as signs", async () => {
  const kernel = own("conv", {}, "stem").arrays;
  const padded = own("conv", { padding: "same", pad_values: 1 }, "stem");
  const zeros: TestLayer = { kind: "ZeroPadding2D", name: "zeros" };
  const [scores, ...start] = after().toReversed();
  const layers = start.toReversed();
  const pair = await Promise.all([
    read([...layers, { ...padded, arrays: kernel }, scores]),
    read([...layers, zeros, { ...own("conv", {}, "zeros"), arrays: kernel }, scores]),
  ]);
  const image = randomImages([1, 3, 3, 3], 5);
  const [same, around] = pair.map(({ model }) => {
    const graph = floatModelGraph(model);
    const packed = pack(graph, model.tensors);
    expect(comparePacked(graph, model.tensors, packed, image)).toMatchObject({ differentBits: 0 });
    expect(packed.program.steps.map(({ kind }) => kind)).toContain("binary-conv");
    return evaluate(graph, { x: image }, model.tensors).outputs.logits.data;
  });
  expect(around).toEqual(same);
});

it("a vector times a map is one number for each channel, however wide the map", async () => {
  const layers = after(
    own("conv", { padding: "same" }, "stem"),
    { kind: "GlobalAveragePooling2D", name: "means" },
    { kind: "Multiply", name: "gated", inputs: ["conv", "means"] },
  );
  const { model } = await read(layers);
  const graph = floatModelGraph(model);
  const image = randomImages([1, 3, 3, 3], 5);
  const { values } = evaluate(graph, { x: image }, model.tensors);
  const data = Float32Array.from(values.get("conv")!.data);
  const mean = (c: number) => data.slice(9 * c, 9 * c + 9).reduce((sum, x) => sum + x, 0) / 9;
  const gated = values.get("gated")!;
  for (const [i, x] of [...data].entries())
    expect(gated.data[i]).toBeCloseTo(x * mean(Math.floor(i / 9)), 4);
});

it("names of layers have slashes, as TensorFlow writes them", async () => {
  const layers = after(own("conv", { padding: "same" }, "stem"));
  const inside = (name: string) => `block/${name}`;
  const named = layers.map(({ name, inputs, ...rest }) => ({
    ...{ ...rest, name: inside(name), inputs: inputs?.map(inside) },
  }));
  const image = randomImages([1, 3, 3, 3], 5);
  const logits = async (of: readonly TestLayer[]) => {
    const { model } = await read(of);
    return evaluate(floatModelGraph(model), { x: image }, model.tensors).outputs.logits.data;
  };
  expect(await logits(named)).toEqual(await logits(layers));
});
