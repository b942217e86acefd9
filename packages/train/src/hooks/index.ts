export {
  type Callback,
  type NamedCallback,
  type TrainingView,
  tellCallbacks,
} from "./callback.js";
export { type Hooks, hooksOf, type OwnHooks } from "./hooks-of.js";
export {
  askedOutputs,
  type Evaluated,
  EvaluatedBatches,
  type Metric,
  type Metrics,
  measure,
} from "./metric.js";
export { type TargetOf, type Targets, targetRows } from "./targets.js";
