/**
 * Networks as graphs of named ops: built, checked, evaluated and differentiated.
 *
 * ```ts
 * import { evaluate, GraphBuilder } from "onebit/graph";
 *
 * const b = new GraphBuilder("brightness");
 * const x = b.input("x", [1, 3, 8, 8]);
 * b.output("means", b.op("global-average-pool", [b.op("relu", [x])]));
 * const image = { shape: [1, 3, 8, 8], data: new Float32Array(192).fill(0.5) };
 * const { outputs } = evaluate(b.build(), { x: image }, {});
 * console.log(outputs.means.data); // 0.5 for each channel
 * ```
 *
 * @module onebit/graph
 */

export { opNamed } from "../ops/index.js";
export type { Estimator, GradientContext, NodeCost, Op } from "../ops/op.js";
export { type WeightEstimator, weightEstimators } from "../ops/weight-estimators.js";
export { GraphBuilder, outputNames } from "./builder.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export * from "./layers.js";
export { rebatch } from "./rebatch.js";
export * from "./types.js";
export { typesOf } from "./types-of.js";
