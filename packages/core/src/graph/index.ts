export { GraphBuilder, outputNames } from "./builder.js";
export { type EvaluateOptions, type Evaluation, evaluate } from "./evaluate.js";
export { rebatch } from "./rebatch.js";
export * from "./types.js";
export { typesOf } from "./types-of.js";
