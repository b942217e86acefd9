/**
 * Trains 1-bit networks on ONNX Runtime.
 *
 * ```ts
 * import { resolveRecipe, train } from "@onebit/train";
 * import { openDataset } from "@onebit/train/data";
 *
 * const data = await openDataset("glyphs", { trainImages: 64, testImages: 64 });
 * const recipe = resolveRecipe("plain", { epochs: 2, model: "linear" });
 * const { best, out } = await train(recipe, { data, out: "run" });
 * console.log(best.top1, out);
 * ```
 *
 * @module @onebit/train
 */

export { type BesideCost, type BesideOptions, measureBeside } from "./bench/beside-cost.js";
export {
  type DistillationCost,
  measureDistillation,
} from "./bench/distillation-cost.js";
export { measureObservation, type ObservationCost } from "./bench/observation-cost.js";
export type { StepCost } from "./bench/step-cost.js";
export { measureTrainingSpeed, type TrainingSpeed } from "./bench/training-speed.js";
export * from "./comparison/index.js";
export * from "./engine/index.js";
export { type GradientOptions, gradientOutput, gradients } from "./gradients/index.js";
export type {
  Callback,
  Evaluated,
  Metric,
  Metrics,
  OwnHooks,
  TargetOf,
  Targets,
  TrainingView,
} from "./hooks/index.js";
export * from "./landscape/index.js";
export * from "./losses/index.js";
export {
  adamDefaults,
  type Constant,
  type FlatArrays,
  type GroupRule,
  type GroupStep,
  momentNames,
  OPTIMISERS,
  type Optimiser,
  type OptimiserConfig,
  type Optimising,
  optimisersOf,
  type ParameterGroup,
  type RateRule,
} from "./optimisers/index.js";
export { ownModules } from "./own/index.js";
export * from "./picture/index.js";
export {
  overrideRecipe,
  parseOverrides,
  type Recipe,
  type RecipeField,
  type RecipeOverrides,
  type RecipeStage,
  recipeFields,
  recipes,
  resolveRecipe,
} from "./recipes/index.js";
export * from "./report/index.js";
export * from "./retrain/index.js";
export * from "./run/index.js";
export { TRAINING_BACKENDS, type TrainingBackend } from "./runtime/providers.js";
export {
  learningRate,
  type Position,
  type Schedule,
  type ScheduleConfig,
  type Scheduled,
  type ScheduleSettings,
  type Schedules,
  schedulesOf,
  type TemperatureConfig,
  temperature,
} from "./schedules/index.js";
export {
  flatten,
  freeze,
  initialTensors,
  type Layout,
  layoutOf,
  type Segment,
  unflatten,
  viewsOf,
} from "./state/index.js";
export {
  type Knowledge,
  type KnowledgeOptions,
  knowledgeOf,
  rankTeachers,
  type TeacherChoice,
  type TeacherOptions,
  type TeacherRecord,
  USUAL_EPSILON,
} from "./teachers/index.js";
export {
  compileWatching,
  type LayerObservation,
  type Observation,
  type SeenWeights,
  type WatchedLayer,
  type WatchedSign,
  type WatchPlan,
  watchedLayers,
} from "./watch/index.js";
