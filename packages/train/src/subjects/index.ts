/**
 * Networks that score inputs, whatever they are made of: packed files, float models, runs, ONNX.
 *
 * ```ts
 * import { openSubject } from "@onebit/train/subjects";
 *
 * const open = (path: string) => openSubject(path, { backend: "auto", threads: 1 });
 * console.log(typeof open);
 * ```
 *
 * @module @onebit/train/subjects
 */
export { unfinishedNotes } from "../run/unfinished.js";
export {
  type EvaluationOptions,
  type EvaluationResult,
  evaluateFile,
  evaluateSubject,
} from "./evaluate.js";
export { openFloatModel, openPacked, type PackedFile } from "./files.js";
export type { FloatSubject } from "./float.js";
export { INT8_IMAGES, int8Of, int8Onnx } from "./int8.js";
export { calibrationImages, type IntegerSubject, integerSubject } from "./integer.js";
export { type ModelKind, modelKind } from "./kind.js";
export type { OnnxSubject } from "./onnx.js";
export { type OnnxOptions, openOnnxClassifier, openOnnxFile } from "./onnx-file.js";
export { calling, loadPacked, type PackedSubject } from "./packed.js";
export { scoresOf } from "./scores-of.js";
export {
  type AnySubject,
  openSubject,
  type Scores,
  type Subject,
  type SubjectOptions,
  type Tensors,
} from "./subject.js";
