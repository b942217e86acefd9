export { OPTIMISERS } from "./catalogue.js";
export { adamDefaults, type GroupRule, type OptimiserConfig, type RateRule } from "./config.js";
export { groupOf, groupSettings, type ParameterGroup, rateOf } from "./groups.js";
export type { Constant, FlatArrays, GroupStep, Optimiser } from "./optimiser.js";
export { momentNames, optimisersOf } from "./optimisers-of.js";
export {
  clipFactor,
  globalNorm,
  type OptimiserState,
  type Optimising,
  type UpdateScalars,
  update,
} from "./update.js";
