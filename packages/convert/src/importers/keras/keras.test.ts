import { batchNorm, evaluate, GraphBuilder, linear, prelu, type Tensor } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { runValues } from "../../../../core/src/runtime/backends/reference/program.js";
import { randomImages } from "../../../../core/src/test-support/random-weights.js";
import type { TestLayer } from "../test-support/keras-files.js";
import { array, binary, input, network, read } from "../test-support/keras-network.js";

/** The same, built in onebit. */
function ownGraph() {
  const b = new GraphBuilder("own");
  const x = b.input("x", [1, 3, 9, 9]);
  const weight = (key: string, shape: readonly number[]) =>
    b.tensor(key, {
      shape,
      kind: "parameter",
      role: "other",
      init: { kind: "constant", value: 0 },
    });
  const halving = { stride: [2, 2], padding: [1, 1], groups: 1 } as const;
  const stem = b.op("conv", [x, weight("stem", [8, 3, 3, 3])], halving);
  const bn0 = batchNorm(b, "bn0", stem, "bn0", { epsilon: 0.01 });
  const LEAST = -3.4028234663852886e38;
  const around = b.op("pad", [bn0], { before: [0, 0, 0, 0], after: [0, 0, 1, 1], value: LEAST });
  const halved = b.op("max-pool", [around], { kernel: [2, 2], stride: [2, 2], padding: [0, 0] });
  const signs = b.op("sign", [bn0], { estimator: "clip", range: 1, zero: 1 });
  const binarizer = { scale: "none", estimator: "clip", range: 1, zero: 1 };
  const bits = b.op("binarize-weight", [weight("conv", [8, 8, 3, 3])], binarizer);
  const conv = b.op("binary-conv", [signs, bits], { ...halving, padValue: 1 });
  const bn1 = batchNorm(b, "bn1", conv, "bn1", { epsilon: 0.01 });
  const act = prelu(b, "act", b.op("add", [bn1, halved]));
  const pooled = b.op("reshape", [b.op("global-average-pool", [act])], { shape: [0, -1] });
  b.output("logits", linear(b, "fc", pooled, 4));
  return b.build();
}

/** Tensors of the own graph: Keras's arrays with their axes turned. */
function ownTensors(): { [key: string]: Tensor } {
  const find = (layer: string, name: string) =>
    network.find((one) => one.name === layer)!.arrays![name];
  const kernel = (layer: string): Tensor => {
    const {
      shape: [kh, kw, ins, outs],
      data,
    } = find(layer, "kernel");
    const turned = new Float32Array(data.length);
    for (let y = 0; y < kh; y++)
      for (let x = 0; x < kw; x++)
        for (let i = 0; i < ins; i++)
          for (let o = 0; o < outs; o++)
            turned[((o * ins + i) * kh + y) * kw + x] = data[((y * kw + x) * ins + i) * outs + o];
    return { shape: [outs, ins, kh, kw], data: turned };
  };
  const { data: fc } = find("fc", "kernel");
  const tensors: { [key: string]: Tensor } = {
    ...{ stem: kernel("stem"), conv: kernel("conv"), "fc.bias": find("fc", "bias") },
    "act.weight": { shape: [8], data: find("act", "alpha").data },
    "fc.weight": { shape: [4, 8], data: fc.map((_, i) => fc[(i % 8) * 4 + Math.floor(i / 8)]) },
  };
  const names = {
    weight: "gamma",
    bias: "beta",
    running_mean: "moving_mean",
    running_var: "moving_variance",
  };
  for (const layer of ["bn0", "bn1"]) {
    for (const [own, keras] of Object.entries(names))
      tensors[`${layer}.${own}`] = find(layer, keras);
    tensors[`${layer}.num_batches_tracked`] = { shape: [], data: new Float32Array(1) };
  }
  return tensors;
}

describe("a network of Keras and Larq", () => {
  it.each(["2.14.0", "3.5.0"])(
    "of Keras %s comes back bit for bit as the same one built here",
    async (version) => {
      const { model, report } = await read(network, { version });
      expect(report).toMatchObject({
        ...{
          format: "hdf5",
          family: "keras",
          classes: 4,
          input: [3, 9, 9],
          widths: [8],
          binary: true,
        },
      });
      const theirs = pack(floatModelGraph(model), model.tensors);
      const own = pack(ownGraph(), ownTensors());
      const kinds = ({ program }: typeof own) => program.steps.map(({ kind }) => kind);
      expect(kinds(theirs)).toEqual(kinds(own));
      const data = ({ tensors }: typeof own) =>
        Object.values(tensors)
          .map((one) => one.data)
          .sort((a, b) => a.length - b.length || Number(a[0]) - Number(b[0]));
      expect(data(theirs)).toEqual(data(own));
      const image = randomImages([1, 9, 9, 3], 3).data as Float32Array;
      const logits = ({ program, tensors }: typeof own) =>
        runValues(program, tensors, image)[program.outputs.logits];
      expect(logits(theirs)).toEqual(logits(own));
    },
  );

  it("Sequential is the same as Functional; a latent weight of 0 counts as +1, as Larq's sign has it", async () => {
    const kernel = array(3, 3, 3, 4);
    kernel.data[7] = 0;
    const layers: readonly TestLayer[] = [
      {
        kind: "QuantConv2D",
        name: "conv",
        config: { ...binary, batch_input_shape: [null, 5, 5, 3] },
        arrays: { kernel },
      },
      { kind: "Flatten", name: "flat" },
      { kind: "QuantDense", name: "dense", config: binary, arrays: { kernel: array(36, 2) } },
    ];
    const items = layers.map(({ kind, name, config = {} }) => ({
      class_name: kind,
      config: { name, ...config },
    }));
    const modelConfig = { class_name: "Sequential", config: { name: "net", layers: items } };
    const { model } = await read(layers, { modelConfig });
    const own = await read([input(5, 5, 3), ...layers]);
    expect(model.tensors["conv.weight"].data[3 * 27 + 9]).toBeGreaterThan(0);
    const graph = floatModelGraph(model);
    const image = randomImages([1, 3, 5, 5], 3);
    const logits = (tensors: typeof model.tensors) =>
      evaluate(graph, { x: image }, tensors).outputs.logits.data;
    expect(logits(own.model.tensors)).toEqual(logits(model.tensors));
    // Flattened rows, columns, channels: the definition of the dense layer in plain loops.
    const { values } = evaluate(graph, { x: image }, model.tensors);
    const map = values.get("conv")!.data;
    const { data } = layers[2].arrays!.kernel;
    const wanted = [0, 1].map((o) => {
      let sum = 0;
      for (let i = 0; i < 36; i++) {
        const x = map[(i % 4) * 9 + Math.floor(i / 4)];
        sum += (x >= 0 ? 1 : -1) * (data[2 * i + o] >= 0 ? 1 : -1);
      }
      return sum;
    });
    expect([...logits(model.tensors)]).toEqual(wanted);
    expect(() => pack(graph, model.tensors)).not.toThrow();
  });

  const after = (layer: TestLayer, classes = 8): readonly TestLayer[] => [
    ...network.slice(0, 6),
    layer,
    { kind: "GlobalAveragePooling2D", name: "means" },
    {
      kind: "Dense",
      name: "scores",
      config: { use_bias: false },
      arrays: { kernel: array(classes, 2) },
    },
  ];
  const window = { kernel_size: [3, 3], padding: "same" };
  it.each<[string, TestLayer, number?]>([
    [
      "a depthwise binary convolution",
      {
        kind: "QuantDepthwiseConv2D",
        name: "l",
        config: {
          ...window,
          input_quantizer: "approx_sign",
          depthwise_quantizer: "ste_sign",
          use_bias: false,
        },
        arrays: { depthwise_kernel: array(3, 3, 8, 1) },
      },
    ],
    [
      "a separable one",
      {
        kind: "QuantSeparableConv2D",
        name: "l",
        config: {
          ...window,
          input_quantizer: "ste_sign",
          depthwise_quantizer: "ste_sign",
          pointwise_quantizer: "ste_sign",
        },
        arrays: {
          depthwise_kernel: array(3, 3, 8, 1),
          pointwise_kernel: array(1, 1, 8, 8),
          bias: array(8),
        },
      },
    ],
    [
      "scaled weights",
      {
        kind: "QuantConv2D",
        name: "l",
        config: { ...window, ...binary, kernel_quantizer: "magnitude_aware_sign" },
        arrays: { kernel: array(3, 3, 8, 8) },
      },
    ],
    [
      "binary weights of real maps",
      {
        kind: "QuantConv2D",
        name: "l",
        config: { ...window, ...binary, input_quantizer: null },
        arrays: { kernel: array(3, 3, 8, 8) },
      },
    ],
    [
      "weights that are signs already",
      {
        kind: "QuantConv2D",
        name: "l",
        config: {
          ...window,
          ...binary,
          kernel_quantizer: { class_name: "NoOp", config: { precision: 1 } },
        },
        arrays: {
          kernel: { ...array(3, 3, 8, 8), data: array(3, 3, 8, 8).data.map((x) => Math.sign(x)) },
        },
      },
    ],
    [
      "an activation of its own",
      {
        kind: "Conv2D",
        name: "l",
        config: { ...window, activation: "relu6" },
        arrays: { kernel: array(3, 3, 8, 8), bias: array(8) },
      },
    ],
    ["hard_tanh", { kind: "Activation", name: "l", config: { activation: "hard_tanh" } }],
    ["tanh", { kind: "Activation", name: "l", config: { activation: "tanh" } }],
    ["swish", { kind: "Activation", name: "l", config: { activation: "swish" } }],
    ["hard_sigmoid", { kind: "Activation", name: "l", config: { activation: "hard_sigmoid" } }],
    ["LeakyReLU", { kind: "LeakyReLU", name: "l", config: { alpha: 0.25 } }],
    ["Rescaling", { kind: "Rescaling", name: "l", config: { scale: 0.5, offset: -1 } }],
    [
      "a concatenation",
      { kind: "Concatenate", name: "l", config: { axis: -1 }, inputs: ["bn1", "conv"] },
      16,
    ],
    ["an average pool", { kind: "AveragePooling2D", name: "l", config: { pool_size: 2 } }],
    [
      "zero padding and a valid convolution",
      {
        kind: "ZeroPadding2D",
        name: "l",
        config: {
          padding: [
            [1, 0],
            [0, 2],
          ],
        },
      },
    ],
  ])("%s is read and packed", async (what, layer, classes) => {
    const layers = after(layer, classes);
    const conv: TestLayer = {
      kind: "Conv2D",
      name: "v",
      config: { kernel_size: 3 },
      arrays: { kernel: array(3, 3, 8, 8), bias: array(8) },
    };
    const all = what.startsWith("zero")
      ? [...layers.slice(0, 7), conv, ...layers.slice(7)]
      : layers;
    const { model } = await read(all);
    const graph = floatModelGraph(model);
    const packed = pack(graph, model.tensors);
    const image = randomImages([1, 3, 9, 9], 7);
    const { logits } = evaluate(graph, { x: image }, model.tensors).outputs;
    const last = Float32Array.from(
      { length: 243 },
      (_, i) => image.data[(i % 3) * 81 + Math.floor(i / 3)],
    );
    const found = runValues(packed.program, packed.tensors, last)[packed.program.outputs.logits];
    for (const k of [0, 1]) expect(found[k]).toBeCloseTo(logits.data[k], 4);
  });
});
