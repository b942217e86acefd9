export { checkProgram } from "./check.js";
export { type CompactProgram, compactProgram, expandProgram } from "./compact.js";
export { type CostTotals, type ProgramCost, programCost, type StepCost } from "./cost.js";
export { prune } from "./prune.js";
export * from "./types.js";
