/**
 * Loads packed 1-bit networks and runs them, in Node and in pages, without dependencies.
 *
 * ```ts
 * import { load } from "onebit";
 * import { decodeImage } from "onebit/images";
 *
 * const model = await load("fashion.onebit"); // path, URL, Blob or bytes
 * const [best] = await model.classify(await decodeImage("photo.png"), { top: 1 });
 * console.log(best.label, best.probability);
 * model.dispose();
 * ```
 *
 * @module onebit
 */

export { OnebitError, UsageError } from "./errors.js";
export type { Card } from "./file/index.js";
export type { PixelImage, Preprocess } from "./image/index.js";
export type { PictureLike } from "./platform/picture.js";
export type { Source } from "./platform/source.js";
export type { SignalLike } from "./platform/web-types.js";
export type { CostTotals, ProgramCost, StepCost } from "./program/cost.js";
export type { MapType } from "./program/types.js";
export type {
  Backend,
  BackendFacts,
  CompileOptions,
  Executable,
  StepValues,
} from "./runtime/backend.js";
export {
  BACKENDS,
  type BackendChoice,
  type BackendName,
  backendFor,
} from "./runtime/backends.js";
export { checkBatch } from "./runtime/batch.js";
export { type Budget, BudgetError, DEFAULT_BUDGET } from "./runtime/budget.js";
export type { Classifier, ClassifierInfo, ClassifyOptions } from "./runtime/classifier.js";
export { type ImageInput, type ImageLike, readPixels } from "./runtime/image-input.js";
export { load, loadModel } from "./runtime/load.js";
export type { LoadOptions } from "./runtime/load-options.js";
export type {
  Model,
  ModelInfo,
  ModelInputs,
  ModelOutputs,
  RunOptions,
  StepProfile,
  TensorInfo,
} from "./runtime/model.js";
export type { FloatTensor, TensorInput } from "./runtime/tensor-input.js";
export { MAX_THREADS } from "./runtime/threads.js";
export { type Prediction, topPredictions } from "./runtime/top.js";
export { visible } from "./visible.js";
