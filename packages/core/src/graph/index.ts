export { opNamed } from "../ops/index.js";
export type { Estimator, GradientContext, NodeCost, Op } from "../ops/op.js";
export { GraphBuilder, outputNames } from "./builder.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export * from "./layers.js";
export { rebatch } from "./rebatch.js";
export * from "./types.js";
export { typesOf } from "./types-of.js";
