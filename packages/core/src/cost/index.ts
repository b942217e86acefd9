/**
 * What a graph takes: parameters and multiply-accumulates by bit width, operations, bytes, memory.
 *
 * ```ts
 * import { summarize } from "onebit/cost";
 * import { buildModel } from "onebit/models";
 *
 * const { macs, binaryMacs, bytes } = summarize(buildModel("bnext-t"));
 * console.log(binaryMacs / macs, bytes.packed);
 * ```
 *
 * @module onebit/cost
 */

export type { Ends } from "./bits.js";
export {
  binaryTensors,
  type Cost,
  type CostOptions,
  type Counts,
  cost,
  type LayerCost,
} from "./cost.js";
export {
  predictTrainingMemory,
  type TrainingMemory,
  type TrainingMemoryOptions,
} from "./memory.js";
export {
  type BlockCost,
  costByBlock,
  type Summary,
  type SummaryOptions,
  summarize,
} from "./summary.js";
