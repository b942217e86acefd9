import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import {
  type TestConstant,
  type TestOperator,
  type TfliteFileOptions,
  tfliteFile,
} from "./tflite-files.js";

export const told = { preprocess: { mean: [0], std: [1] } };
export const read = (
  operators: readonly TestOperator[],
  constants: Constants,
  file: TfliteFileOptions = {},
) => importCheckpoint(memoryBuffer(tfliteFile(operators, constants, file), "net.tflite"), told);
export type Constants = { readonly [name: string]: TestConstant };

/** Numbers from -4 to 4, among them 0. */
export const random = (length: number, seed: number) =>
  Array.from({ length }, (_, i) => ((i * 37 + seed * 11) % 9) - 4);
export const floats = (shape: readonly number[], seed: number): TestConstant => {
  const size = shape.reduce((n, dim) => n * dim, 1);
  return { shape, data: Float32Array.from(random(size, seed), (x) => x / 3) };
};

/** Weights [O, KH, KW, C] of -1 and +1, and as Larq Compute Engine packs them. */
export function signs(outs: number, k: number, channels: number, groups = 1) {
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

export const options = {
  ...{ fused_activation_function: 0, pad_values: 0, padding: 0 },
  ...{ stride_height: 1, stride_width: 1 },
  ...{ dilation_height_factor: 1, dilation_width_factor: 1 },
};
export const quantize = (from: string, shape: readonly number[]): TestOperator => ({
  op: "LceQuantize",
  inputs: [from],
  out: [`${from}.bits`, shape.with(-1, Math.ceil(shape.at(-1)! / 32)), "int32"],
});
/** Means over the map, as scores. */
export const pooled = (from: string, channels: number): TestOperator => ({
  op: 40,
  inputs: [from, "axes"],
  out: ["y", [1, channels]],
  options: [{ i8: 0 }],
});
export const axes: TestConstant = { shape: [2], data: Int32Array.of(1, 2) };
