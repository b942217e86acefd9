export { measureTrainingSpeed, type TrainingSpeed } from "./bench/training-speed.js";
export * from "./engine/index.js";
export { type GradientOptions, gradientOutput, gradients } from "./gradients/index.js";
export { crossEntropy, distributionLoss, targetsFromLabels } from "./losses/index.js";
export { adamDefaults, type GroupRule, type OptimiserConfig } from "./optimisers/index.js";
export {
  overrideRecipe,
  parseOverrides,
  type Recipe,
  type RecipeOverrides,
  type RecipeStage,
  recipes,
  resolveRecipe,
} from "./recipes/index.js";
export * from "./report/index.js";
export * from "./run/index.js";
export type { ScheduleConfig, TemperatureConfig } from "./schedules/index.js";
export { initialTensors } from "./state/index.js";
