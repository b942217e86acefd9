/**
 * Packed programs: their types, checks, costs and the passes over them.
 *
 * ```ts
 * import { readFile } from "node:fs/promises";
 * import { readOnebit } from "onebit/file";
 * import { programCost } from "onebit/program";
 *
 * const { program } = await readOnebit(await readFile("fashion.onebit"));
 * for (const { kind, binaryMacs } of programCost(program).steps) console.log(kind, binaryMacs);
 * ```
 *
 * @module onebit/program
 */

export { checkProgram } from "./check.js";
export { type CompactProgram, compactProgram, expandProgram } from "./compact.js";
export { type CostTotals, type ProgramCost, programCost, type StepCost } from "./cost.js";
export { elementCount, type MapShape, outputShape, paddingEnd } from "./geometry.js";
export { INVERSE_FACTORIALS } from "./math.js";
export {
  type Computing,
  type ComputingName,
  isComputing,
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
