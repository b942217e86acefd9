export {
  type DryRun,
  type DryRunOptions,
  dryRun,
  type SegmentForecast,
  type StageForecast,
  type TimedStep,
} from "./dry-run.js";
export { type EvaluateFloatOptions, evaluateFloat, type FloatEvaluation } from "./evaluate.js";
export {
  type Best,
  type DoneEvent,
  type EpochEvent,
  evaluated,
  type NoteEvent,
  type SavedEvent,
  type StartEvent,
  type StepEvent,
  type TrainEvent,
  type WarningEvent,
} from "./events.js";
export { loadFloatModel, loadTensors, type Tensors } from "./float-model.js";
export type { WaitingShares } from "./meter.js";
export { buildNetwork, type ModelChoice, type ModelRecord, type NamedModel } from "./network.js";
export type { TrainOptions, TrainResult } from "./options.js";
export { trainingPreprocess } from "./prepare.js";
export { type RecordedRun, recordedRun } from "./recorded.js";
export {
  type DataRecord,
  type RunRecord,
  type RunSummary,
  readEpochs,
  readRun,
} from "./run-folder.js";
export { type Accuracy, Scoreboard } from "./scores.js";
export { train } from "./train.js";
