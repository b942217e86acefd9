import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { memoryBuffer } from "../../../readers/async-buffer.js";
import { importCheckpoint } from "../../import-checkpoint.js";
import { kerasFile, type TestArray, type TestLayer } from "../../test-support/keras-files.js";
import { array, told } from "../../test-support/keras-network.js";

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

/** Layers as Larq Zoo's code adds them: a kind, its fields, its arrays. */
class Listed {
  readonly layers: TestLayer[] = [
    { kind: "InputLayer", name: "in", config: { batch_input_shape: [null, 224, 224, 3] } },
  ];
  readonly #counts = new Map<string, number>();

  get last(): string {
    return this.layers.at(-1)!.name;
  }

  add(kind: string, { title = kind, ...layer }: Partial<TestLayer> & { title?: string }): string {
    const count = this.#counts.get(title) ?? 0;
    this.#counts.set(title, count + 1);
    const name = layer.name ?? (count > 0 ? `${title}_${count}` : title);
    this.layers.push({ kind, inputs: [this.last], ...layer, name });
    return name;
  }

  conv(title: string, size: number, [ins, outs]: readonly [number, number], config: object = {}) {
    const kind = title.startsWith("quant") ? "QuantConv2D" : "Conv2D";
    const arrays = { kernel: array(size, size, ins, outs) };
    return this.add(kind, { title, config: { ...plain, ...config }, arrays });
  }

  depthwise(title: string, channels: number) {
    const kind = title.startsWith("quant") ? "QuantDepthwiseConv2D" : "DepthwiseConv2D";
    const arrays = { depthwise_kernel: array(3, 3, channels, 1) };
    return this.add(kind, { title, config: { ...plain, strides: 2 }, arrays });
  }

  norm(channels: number, epsilon: number, affine = true) {
    const { gamma, beta, ...statistics } = norm(0, channels).arrays!;
    const arrays = affine ? { gamma, beta, ...statistics } : statistics;
    const config = { epsilon, scale: affine, center: affine };
    return this.add("BatchNormalization", { title: "batch_normalization", config, arrays });
  }
}

const plain = { padding: "same", use_bias: false };
const signs = { input_quantizer: "ste_sign", kernel_quantizer: "ste_sign" };

function quickNet(blocks: readonly number[]): TestLayer[] {
  const net = new Listed();
  const widths = [8, 8, 12, 16];
  net.conv("quant_conv2d", 3, [3, 2], { strides: 2 });
  net.norm(2, 1e-3);
  net.add("Activation", { config: { activation: "relu" } });
  net.depthwise("quant_depthwise_conv2d", 2);
  net.norm(2, 1e-3, false);
  net.conv("quant_conv2d", 1, [2, 8], { padding: "valid" });
  net.norm(8, 1e-3);
  for (const [stage, count] of blocks.entries()) {
    const [ins, outs] = [widths[stage - 1], widths[stage]];
    if (stage > 0) {
      net.add("Activation", { config: { activation: "relu" } });
      net.add("MaxPooling2D", { config: { pool_size: 2, strides: 1 } });
      net.depthwise("depthwise_conv2d", ins);
      net.conv("quant_conv2d", 1, [ins, outs], { padding: "valid" });
      net.norm(outs, 1e-5);
    }
    for (let i = 0; i < count; i++) {
      const before = net.last;
      net.conv("quant_conv2d", 3, [outs, outs], { ...signs, activation: "relu", pad_values: 1 });
      net.add("Add", { inputs: [net.norm(outs, 1e-5), before] });
    }
  }
  net.add("Activation", { config: { activation: "relu" } });
  net.add("GlobalAveragePooling2D", {});
  const arrays = { kernel: array(16, 5), bias: array(5) };
  net.add("QuantDense", { title: "quant_dense", arrays });
  return net.layers;
}

function realToBinaryNet(): TestLayer[] {
  const net = new Listed();
  const named = (name: string) => {
    const layer = net.layers.pop()!;
    net.layers.push({ ...layer, name });
    return name;
  };
  const prelu = (name: string, channels: number) =>
    net.add("PReLU", { name, arrays: { alpha: array(1, 1, channels) } });
  const dense = (name: string, ins: number, outs: number, activation?: string) => {
    const config = { activation, use_bias: activation === undefined };
    const bias: TestLayer["arrays"] = activation === undefined ? { bias: array(outs) } : {};
    net.add("Dense", { name, config, arrays: { kernel: array(ins, outs), ...bias } });
  };
  let channels = 4;
  net.conv("conv", 7, [3, channels], { strides: 2 });
  named("r2b_bnn_block_1_conv2d");
  net.norm(channels, 1e-3);
  named("r2b_bnn_block_1_batch_norm");
  prelu("r2b_bnn_block_1_prelu", channels);
  net.add("MaxPooling2D", { config: { pool_size: 3, strides: 2, padding: "same" } });
  for (let i = 0; i < 16; i++) {
    const key = `r2b_bnn_block_${2 + Math.floor(i / 2)}${"ab"[i % 2]}`;
    const [ins, before] = [channels, net.last];
    const doubles = i > 0 && i % 4 === 0;
    if (doubles) {
      channels *= 2;
      net.add("AveragePooling2D", { config: { pool_size: 2, padding: "same" } });
      net.conv("conv", 1, [ins, channels]);
      named(`${key}_shortcut_conv2d`);
      net.norm(channels, 1e-3);
      named(`${key}_shortcut_batch_norm`);
    }
    const shortcut = net.last;
    net.norm(ins, 1e-3);
    const normed = named(`${key}_batch_norm`);
    net.layers.push({ ...net.layers.pop()!, inputs: [before] });
    net.conv("quant_conv", 3, [ins, channels], { ...signs, strides: doubles ? 2 : 1 });
    const convolved = named(`${key}_conv2d`);
    net.add("GlobalAveragePooling2D", { inputs: [normed] });
    const hidden = Math.max(1, ins / 8);
    dense(`${key}_scaling_dense_reduce`, ins, hidden, "relu");
    dense(`${key}_scaling_dense_expand`, hidden, channels, "sigmoid");
    net.add("Reshape", { config: { target_shape: [1, 1, channels] } });
    net.add("Multiply", { inputs: [convolved, net.last] });
    prelu(`${key}_prelu`, channels);
    net.add("Add", { inputs: [net.last, shortcut] });
  }
  net.add("GlobalAveragePooling2D", {});
  dense("r2b_bnn_block_10_logits", channels, 5);
  return net.layers;
}

it.each<[string, () => TestLayer[], readonly number[]]>([
  ["Bi-Real Net", birealNet, [4, 8, 16, 32]],
  ["QuickNet", () => quickNet([4, 4, 4, 4]), [8, 12, 16]],
  ["QuickNetLarge", () => quickNet([6, 8, 12, 6]), [8, 12, 16]],
  ["RealToBinaryNet", realToBinaryNet, [4, 8, 16, 32]],
])(
  "a file of %s's weights alone is the network that the whole file is",
  async (name, build, widths) => {
    const layers = build();
    const whole = await importCheckpoint(memoryBuffer(await kerasFile(layers)), told);
    // Keras writes layers by their depth: not in the order of their numbers.
    const shuffled = layers.toSorted(
      (a, b) => a.kind.localeCompare(b.kind) || b.name.localeCompare(a.name),
    );
    const bytes = await kerasFile(shuffled, { config: false });
    const { model, report } = await importCheckpoint(memoryBuffer(bytes), told);
    expect(report).toMatchObject({ classes: 5, input: [3, 224, 224], widths });
    expect(report.notes).toContainEqual(expect.stringContaining(`it is Larq Zoo's ${name}`));
    const packed = [whole.model, model].map((one) => pack(floatModelGraph(one), one.tensors));
    const [a, b] = packed.map(({ tensors }) => Object.values(tensors).map(({ data }) => data));
    expect(b).toEqual(a);
  },
  30_000,
);
