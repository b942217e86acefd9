import { memoryBuffer } from "../../readers/async-buffer.js";
import { type ImportOptions, importCheckpoint } from "../import-checkpoint.js";
import { type KerasFileOptions, kerasFile, type TestArray, type TestLayer } from "./keras-files.js";

/** Test only: what files leave open. */
export const told = { preprocess: { mean: [0], std: [1] } };

/** Test only: what comes of a file of these layers. */
export async function read(
  layers: readonly TestLayer[],
  file: KerasFileOptions = {},
  options: ImportOptions = told,
) {
  return importCheckpoint(memoryBuffer(await kerasFile(layers, file), "net.h5"), options);
}

let seed = 1;
/** Test only: numbers around 0 that no other array has. */
export const array = (...shape: readonly number[]): TestArray => {
  const data = new Float32Array(shape.reduce((n, dim) => n * dim, 1));
  for (let i = 0; i < data.length; i++) {
    seed = (seed * 48271) % 2147483647;
    data[i] = seed / 2147483647 - 0.5;
  }
  return { shape, data };
};
/** Test only: numbers from 0.5 to 1. */
export const positive = (size: number): TestArray => {
  const { shape, data } = array(size);
  return { shape, data: data.map((x) => Math.abs(x) + 0.5) };
};
/** Test only: a batch normalisation. */
export const norm = (name: string, channels: number): TestLayer => ({
  ...{ kind: "BatchNormalization", name, config: { axis: [3], epsilon: 0.01, momentum: 0.9 } },
  arrays: {
    ...{ gamma: positive(channels), beta: array(channels) },
    ...{ moving_mean: array(channels), moving_variance: positive(channels) },
  },
});
/** Test only: where images come in. */
export const input = (...shape: readonly number[]): TestLayer => ({
  ...{ kind: "InputLayer", name: "in", config: { batch_input_shape: [null, ...shape] } },
});
/** Test only: a quantiser as Keras writes objects. */
export const sign = { class_name: "SteSign", config: { clip_value: 1 } };
/** Test only: fields of a binary layer. */
export const binary = { kernel_quantizer: sign, input_quantizer: "ste_sign", use_bias: false };

/** Test only: a small Bi-Real Net on 9x9 images: a stem with a stride, a block with one, pooled scores. */
export const network: readonly TestLayer[] = [
  input(9, 9, 3),
  {
    ...{ kind: "Conv2D", name: "stem", arrays: { kernel: array(3, 3, 3, 8) } },
    config: { kernel_size: [3, 3], strides: [2, 2], padding: "same", use_bias: false },
  },
  norm("bn0", 8),
  { kind: "MaxPooling2D", name: "halved", config: { pool_size: [2, 2], padding: "same" } },
  {
    ...{
      kind: "QuantConv2D",
      name: "conv",
      inputs: ["bn0"],
      arrays: { kernel: array(3, 3, 8, 8) },
    },
    config: { ...binary, kernel_size: [3, 3], strides: [2, 2], padding: "same", pad_values: 1 },
  },
  norm("bn1", 8),
  { kind: "Add", name: "sum", inputs: ["bn1", "halved"] },
  {
    kind: "PReLU",
    name: "act",
    config: { shared_axes: [1, 2] },
    arrays: { alpha: array(1, 1, 8) },
  },
  { kind: "GlobalAveragePooling2D", name: "pool" },
  { kind: "Dropout", name: "drop", config: { rate: 0.5 } },
  {
    ...{ kind: "Dense", name: "fc", config: { activation: "softmax", use_bias: true } },
    arrays: { kernel: array(8, 4), bias: array(4) },
  },
];
