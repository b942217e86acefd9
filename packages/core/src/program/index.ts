export { checkProgram } from "./check.js";
export { type CompactProgram, compactProgram, expandProgram } from "./compact.js";
export { type CostTotals, type ProgramCost, programCost, type StepCost } from "./cost.js";
export { elementCount, type MapShape, outputShape } from "./geometry.js";
export {
  MICRO_OP_NAMES,
  MICRO_OPS,
  mapOperands,
  type Operand,
  operandsOf,
  writeOf,
} from "./micro-ops.js";
export { type Observed, type ObservedSign, observe, sumName, weightNode } from "./observe.js";
export { forOutputs } from "./passes/for-outputs.js";
export { joinPools } from "./passes/join-pools.js";
export { withMaps } from "./passes/narrow-maps.js";
export { prune } from "./passes/prune.js";
export { atInputSize } from "./passes/resize.js";
export * from "./types.js";
