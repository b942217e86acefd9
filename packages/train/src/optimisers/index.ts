export {
  adamDefaults,
  type GroupRule,
  momentNames,
  type OptimiserConfig,
  type OptimiserKind,
} from "./config.js";
export { groupOf, type GroupStep, groupSettings, type ParameterGroup } from "./groups.js";
export {
  clipFactor,
  globalNorm,
  type OptimiserState,
  type UpdateScalars,
  update,
} from "./update.js";
