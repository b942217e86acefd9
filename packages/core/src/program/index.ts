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
export { withMaps } from "./narrow-maps.js";
export { type Observed, type ObservedSign, observe, sumName, weightNode } from "./observe.js";
export { prune } from "./prune.js";
export { atInputSize } from "./resize.js";
export * from "./types.js";
