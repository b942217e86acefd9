/**
 * Reads and writes `.onebit` and safetensors files; tells kinds of files apart.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readOnebit } from "onebit/file";
 *
 * const { program, labels } = await readOnebit(await readFile("fashion.onebit"));
 * console.log(program.steps.length, labels);
 * ```
 *
 * @module onebit/file
 */

export { fromFloat16, toFloat16 } from "./float16.js";
export { type FileKind, fileKind, KIND_BYTES } from "./kind.js";
export type { Card, OnebitFile } from "./onebit-file.js";
export { readOnebit } from "./read-onebit.js";
export { REAL_WEIGHTS, type RealWeights } from "./real-weights.js";
export {
  float32Values,
  readSafetensors,
  type Safetensors,
  type StoredTensor,
  storedFloat32,
  writeSafetensors,
} from "./safetensors.js";
export type { SafetensorsType } from "./safetensors-header.js";
export { sha256 } from "./sha256.js";
export { VECTORS, type Vectors } from "./store-vector.js";
export { type WriteOptions, writeOnebit } from "./write-onebit.js";
export { unknownFile, type Wanted, type WrongFileOptions, wrongFile } from "./wrong-file.js";
