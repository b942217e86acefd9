export {
  type Checkpoint,
  type CheckpointPosition,
  loadCheckpoint,
  saveCheckpoint,
} from "./checkpoint.js";
export { recordedData } from "./data-of-run.js";
export {
  type DryRun,
  type DryRunOptions,
  dryRun,
  type SegmentForecast,
  type StageForecast,
  type TimedStep,
} from "./dry-run.js";
export { type StepSettings, settingsAt } from "./epoch.js";
export {
  type EvaluateFloatOptions,
  evaluateFloat,
  evaluateSplit,
  type FloatEvaluation,
  type SplitEvaluation,
} from "./evaluate.js";
export {
  type Best,
  type DoneEvent,
  type EpochEvent,
  evaluated,
  type NoteEvent,
  type ObservationEvent,
  type SavedEvent,
  type StartEvent,
  type StepEvent,
  type TrainEvent,
  type TrainingWarning,
  type WarningEvent,
} from "./events.js";
export { architectureOf, loadFloatModel, loadTensors, type Tensors } from "./float-model.js";
export type { WaitingShares } from "./meter.js";
export { encodeMoments, type StoredMoments } from "./moments.js";
export { buildNetwork, type ModelChoice, type ModelRecord, type NamedModel } from "./network.js";
export type { TrainOptions, TrainResult } from "./options.js";
export { prepare, type Setup, trainingPreprocess } from "./prepare.js";
export { type RecordedRun, recordedRun } from "./recorded.js";
export { type Reestimated, type ReestimateOptions, reestimate } from "./reestimate.js";
export {
  type DataRecord,
  type LoggedEvent,
  RunFolder,
  type RunRecord,
  type RunSummary,
  readEpochs,
  readRun,
} from "./run-folder.js";
export { type RunProgress, runReport } from "./run-report.js";
export { type Accuracy, Scoreboard } from "./scores.js";
export { type Beginning, beginning, train } from "./train.js";
