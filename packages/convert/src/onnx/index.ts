export {
  describeClassifier,
  type OnnxClassifierInfo,
  type OnnxLayout,
  type OnnxSettings,
} from "./classifier.js";
export type { OnnxFeed, OnnxImageType } from "./input-type.js";
export {
  type OnnxDimension,
  type OnnxFile,
  type OnnxNodeInfo,
  type OnnxValueInfo,
  readOnnxFile,
} from "./model.js";
export { loadOnnxRuntime, onnxRuntimeVersion } from "./runtime.js";
export { openOnnxSession } from "./runtime-session.js";
export type {
  OnnxElementType,
  OnnxRuntime,
  OnnxRuntimeSession,
  OnnxSessionOptions,
  OnnxTensor,
  OnnxTensors,
} from "./runtime-types.js";
export type { ScoreKind } from "./scores.js";
export { OnnxClassifier, type OnnxSession } from "./session.js";
export { withOutputs } from "./watch.js";
