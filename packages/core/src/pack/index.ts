/**
 * Graph and tensors to a program of 1-bit and float steps, and back.
 *
 * ```ts
 * import { readFile, writeFile } from "node:fs/promises";
 * import { writeOnebit } from "onebit/file";
 * import { decodeFloatModel, floatModelGraph } from "onebit/models";
 * import { pack } from "onebit/pack";
 *
 * const model = decodeFloatModel(await readFile("float.safetensors"));
 * const { labels, preprocess, card } = model;
 * const packed = pack(floatModelGraph(model), model.tensors);
 * await writeFile("packed.onebit", await writeOnebit({ ...packed, labels, preprocess, card }));
 * ```
 *
 * @module onebit/pack
 */

export type { Tensors } from "../graph/constants.js";
export type { ZeroWeights } from "./binary-weights.js";
export { type Packed, type PackOptions, pack } from "./pack.js";
export { type Unpacked, unpack } from "./unpack.js";
