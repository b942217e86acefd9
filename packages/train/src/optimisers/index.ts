export {
  adamDefaults,
  type GroupRule,
  momentNames,
  type OptimiserConfig,
  type OptimiserKind,
} from "./config.js";
export { type GroupStep, groupOf, groupSettings, type ParameterGroup } from "./groups.js";
export {
  clipFactor,
  globalNorm,
  type OptimiserState,
  type UpdateScalars,
  update,
} from "./update.js";
