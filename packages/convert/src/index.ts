/**
 * Reads checkpoints of 1-bit networks (PyTorch, safetensors, NumPy, MXNet, Larq, Keras, ONNX), and runs classifiers in ONNX.
 *
 * ```ts
 * import { importCheckpoint, openBuffer } from "@onebit/convert";
 * import { floatModelGraph } from "onebit/models";
 *
 * const buffer = await openBuffer("checkpoint.safetensors"); // path or URL
 * const { model, report } = await importCheckpoint(buffer);
 * console.log(report.arch, report.notes, floatModelGraph(model).name);
 * await buffer.close?.();
 * ```
 *
 * @module @onebit/convert
 */

export * from "./c/index.js";
export { type ImagenetClass, imagenetClasses, imagenetLabels } from "./imagenet-classes.js";
export { symbolOf } from "./importers/bmxnet/symbol.js";
export type { TemperatureReport } from "./importers/bnext/temperature.js";
export {
  type Imported,
  type ImportedStream,
  type ImportOptions,
  importCheckpoint,
  importMoments,
  importStream,
} from "./importers/import-checkpoint.js";
export type {
  FoundNetwork,
  Importer,
  NetworkOption,
  NetworkOptions,
  NetworkTensor,
  Place,
  StoredNetwork,
} from "./importers/importer.js";
export { importers } from "./importers/importers.js";
export type { Labels } from "./importers/labels.js";
export type { LeftOut } from "./importers/left-out.js";
export type { InputSize, PreprocessOverrides } from "./importers/preprocess.js";
export type { Fate, ImportReport, TensorReport } from "./importers/report.js";
export { type OwnNetwork, stateDictImporter } from "./importers/state-dict-importer.js";
export { type IntegerNetwork, integerNetwork } from "./integer/index.js";
export * from "./onnx/index.js";
export { type AsyncBuffer, memoryBuffer } from "./readers/async-buffer.js";
export type {
  Checkpoint,
  CheckpointFormat,
  MetadataScalar,
  MetadataValue,
} from "./readers/checkpoint.js";
export type { DType, TensorValues } from "./readers/dtype.js";
export { type FileBuffer, fileBuffer } from "./readers/file-buffer.js";
export { type MxnetSymbol, parseMxnetSymbol, type SymbolNode } from "./readers/mxnet/symbol.js";
export { openBuffer } from "./readers/open-buffer.js";
export { openCheckpoint } from "./readers/open-checkpoint.js";
export { type StateDict, stateDict } from "./readers/state-dict.js";
export type { TensorEntry } from "./readers/tensor-entry.js";
export { type UrlOptions, urlBuffer } from "./readers/url-buffer.js";
