import type { Program } from "../types.js";
import { joinPools } from "./join-pools.js";
import { prune } from "./prune.js";

/** The program as backends get it: these outputs and no others, in as few steps as they take. */
export function forOutputs(program: Program, outputs: readonly string[]): Program {
  return joinPools(prune(program, outputs));
}
