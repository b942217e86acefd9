export {
  compileEvaluation,
  compileTraining,
  type TrainingGraphOptions,
  trainingGraph,
} from "./plan.js";
export { startEngine } from "./start.js";
export type {
  CompiledGraph,
  Engine,
  EnginePlan,
  EvaluateRequest,
  EvaluateResult,
  MicroBatch,
  Snapshot,
  StepRequest,
  StepResult,
  TrainingPlan,
} from "./types.js";
