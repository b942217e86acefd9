export type { OnnxTarget } from "./lowering.js";
export { type ToOnnxOptions, toOnnx, updateOutput, usedTensors } from "./to-onnx.js";
