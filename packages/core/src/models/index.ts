/**
 * Architectures by name, and the files of float models.
 *
 * ```ts
 * import { buildModel, models } from "onebit/models";
 *
 * console.log(Object.keys(models)); // bnext-t, bnext-s, ...
 * const graph = buildModel("bnext-nano", { classes: 5, input: [3, 32, 32] });
 * console.log(Object.keys(graph.tensors).length);
 * ```
 *
 * @module onebit/models
 */

export { blockOf, blockOutputs } from "./blocks.js";
export { type BnextOptions, bnext, bnextWidths } from "./bnext.js";
export { type Bnext18Options, bnext18 } from "./bnext18.js";
export { buildModel, formsOf, modelNamed } from "./build-model.js";
export { models } from "./catalogue.js";
export type { ModelEntries, ModelEntry, PublishedFigures } from "./entry.js";
export {
  type Architecture,
  decodeFloatModel,
  encodeFloatModel,
  FLOAT_MODEL_ENTRY,
  type FloatModel,
  floatModelChunks,
  floatModelGraph,
  parseFloatModelEntry,
  scalarInputs,
} from "./float-model.js";
export { linearModel } from "./linear.js";
export { type MobilenetOptions, mobilenet } from "./mobilenet.js";
export type {
  Activation,
  BuildOptions,
  Form,
  Gate,
  ModelOptions,
  Stem,
  Switches,
  Widening,
} from "./options.js";
export { type ReactnetOptions, reactnet, reactnetWidths } from "./reactnet.js";
export { type ReactnetResnetOptions, reactnetResnet } from "./reactnet-resnet.js";
export { type ResnetOptions, resnet } from "./resnet.js";
export { type ResnetCifarOptions, resnetCifar } from "./resnet-cifar.js";
