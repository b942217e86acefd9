import { programCost } from "../program/cost.js";
import type { Program } from "../program/types.js";
import type { ModelInfo } from "./model.js";

/** What is known of a model, with the cost of its program, which is counted when somebody asks. */
export function modelInfo(facts: Omit<ModelInfo, "cost">, program: Program): ModelInfo {
  let cost: ModelInfo["cost"] | undefined;
  return {
    ...facts,
    get cost() {
      cost ??= programCost(program);
      return cost;
    },
  };
}
