import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { kerasFile, type TestArray, type TestLayer } from "../test-support/keras-files.js";

const told = { preprocess: { mean: [0], std: [1] } };
let seed = 1;
const array = (...shape: readonly number[]): TestArray => {
  const data = new Float32Array(shape.reduce((n, dim) => n * dim, 1)).map(() => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647 - 0.5;
  });
  return { shape, data };
};
const norm = (number: number, channels: number): TestLayer => {
  const { shape, data } = array(channels);
  const moving_variance = { shape, data: data.map((x) => Math.abs(x) + 0.5) };
  const arrays = {
    gamma: array(channels),
    beta: array(channels),
    moving_mean: array(channels),
    moving_variance,
  };
  return {
    kind: "BatchNormalization",
    name: `batch_normalization_${number}`,
    config: { epsilon: 1e-3 },
    arrays,
  };
};
const conv = (kind: string, name: string, kernel: TestArray, strides = 1): TestLayer => {
  const config = {
    kernel_size: kernel.shape.slice(0, 2),
    strides,
    padding: "same",
    use_bias: false,
  };
  const binary = { input_quantizer: "approx_sign", kernel_quantizer: "magnitude_aware_sign" };
  return {
    kind,
    name,
    config: kind === "QuantConv2D" ? { ...config, ...binary } : config,
    arrays: { kernel },
  };
};

/** Larq Zoo's Bi-Real Net of few channels, with its plain layers, numbered as in a run that made others before. */
function birealNet(): TestLayer[] {
  let [norms, convs, signs] = [7, 3, 9];
  const layers: TestLayer[] = [
    { kind: "InputLayer", name: "in", config: { batch_input_shape: [null, 224, 224, 3] } },
    conv("Conv2D", `conv2d_${convs++}`, array(7, 7, 3, 4), 2),
    norm(norms++, 4),
    { kind: "MaxPooling2D", name: "pool", config: { pool_size: 3, strides: 2, padding: "same" } },
  ];
  let channels = 4;
  for (let i = 0; i < 16; i++) {
    const before = layers.at(-1)!.name;
    const doubles = i > 0 && i % 4 === 0;
    const ins = channels;
    if (doubles) {
      channels *= 2;
      layers.push({
        kind: "AveragePooling2D",
        name: `average${i}`,
        config: { pool_size: 2 },
        inputs: [before],
      });
      layers.push(
        conv("Conv2D", `conv2d_${convs++}`, array(1, 1, ins, channels)),
        norm(norms++, channels),
      );
    }
    const shortcut = layers.at(-1)!.name;
    layers.push({
      ...conv(
        "QuantConv2D",
        `quant_conv2d_${signs++}`,
        array(3, 3, ins, channels),
        doubles ? 2 : 1,
      ),
      inputs: [before],
    });
    layers.push(norm(norms++, channels));
    layers.push({ kind: "Add", name: `add${i}`, inputs: [layers.at(-1)!.name, shortcut] });
  }
  layers.push({ kind: "GlobalAveragePooling2D", name: "means" });
  layers.push({
    kind: "Dense",
    name: "dense_2",
    arrays: { kernel: array(channels, 5), bias: array(5) },
  });
  return layers;
}

it("a file of Bi-Real Net's weights alone is the network that the whole file is", async () => {
  const layers = birealNet();
  const whole = await importCheckpoint(memoryBuffer(await kerasFile(layers)), told);
  // Keras writes layers by their depth: not in the order of their numbers.
  const shuffled = layers.toSorted(
    (a, b) => a.kind.localeCompare(b.kind) || b.name.localeCompare(a.name),
  );
  const bytes = await kerasFile(shuffled, { config: false });
  const { model, report } = await importCheckpoint(memoryBuffer(bytes), told);
  expect(report).toMatchObject({ classes: 5, input: [3, 224, 224], widths: [4, 8, 16, 32] });
  expect(report.notes).toContainEqual(expect.stringMatching(/it is Larq Zoo's Bi-Real Net/));
  const packed = [whole.model, model].map((one) => pack(floatModelGraph(one), one.tensors));
  const [a, b] = packed.map(({ tensors }) => Object.values(tensors).map(({ data }) => data));
  expect(b).toEqual(a);
}, 30_000);
