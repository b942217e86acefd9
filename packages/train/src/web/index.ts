/**
 * Trains small networks where the pictures are, in a page or in Node: nothing leaves the memory.
 *
 * ```ts
 * import { Examples, trainExamples, webRuntime } from "@onebit/train/web";
 * import * as ort from "onnxruntime-web";
 *
 * const examples = new Examples();
 * for (const [label, shade] of Object.entries({ dark: 20, light: 220 })) {
 *   for (let i = 0; i < 5; i++) {
 *     const data = new Uint8Array(3 * 32 * 32).fill(shade + i);
 *     await examples.add(label, { width: 32, height: 32, data });
 *   }
 * }
 * const { bytes, heldTop1 } = await trainExamples(webRuntime(ort), examples, { epochs: 3 });
 * console.log(bytes.length, heldTop1);
 * ```
 *
 * @module @onebit/train/web
 */

export type { TrainingRuntime } from "../runtime/types.js";
export {
  type ChosenRuntime,
  chooseWebRuntime,
  type WebProvider,
  webRuntime,
} from "../runtime/web.js";
export { type Example, type ExampleOptions, Examples } from "./examples.js";
export type { TrainedEpoch, TrainingOptions } from "./network.js";
export {
  type RetrainBlockOptions,
  type RetrainHeadOptions,
  retrainBlock,
  retrainHead,
} from "./retrain.js";
export { type TrainExamplesOptions, trainExamples } from "./train-examples.js";
export type { Trained } from "./trained.js";
