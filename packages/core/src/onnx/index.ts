/**
 * Graphs as ONNX files.
 *
 * ```ts
 * import { writeFile } from "node:fs/promises";
 * import { buildModel } from "onebit/models";
 * import { toOnnx } from "onebit/onnx";
 *
 * const graph = buildModel("linear", { classes: 3 });
 * await writeFile("linear.onnx", toOnnx(graph, { target: "portable" })); // its tensors are inputs
 * ```
 *
 * @module onebit/onnx
 */

export type { Ranges } from "./int8.js";
export type { OnnxTarget } from "./lowering.js";
export { ProtobufWriter } from "./protobuf.js";
export { int8Values, type ToOnnxOptions, toOnnx, updateOutput, usedTensors } from "./to-onnx.js";
