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
