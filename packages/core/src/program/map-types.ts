import { writeOf } from "./micro-ops.js";
import type { Program, ValueId } from "./types.js";

/**
 * The values that must stay float32, and why: `it is ...`. The others are maps that nothing but
 * epilogues touches: steps that are no pools `store` them, `load` and pointwise steps read them.
 *
 * Pools are left out at both ends: 2x2 pools are joined to the steps before them (passes/join-pools.ts),
 * and then half sums lie where the means will be, which nobody may round.
 */
export function float32Only({
  values,
  input,
  steps,
  outputs,
}: Program): ReadonlyMap<ValueId, string> {
  const reasons = new Map<ValueId, string>();
  reasons.set(input, "is the program's input");
  for (const id of Object.values(outputs)) reasons.set(id, "is an output");
  for (const { kind, input: read, epilogue } of steps) {
    if (kind !== "pointwise") reasons.set(read, `is read by a ${kind} step`);
    for (const op of epilogue) {
      const write = writeOf(op);
      if (!write) continue;
      if (kind === "pool") reasons.set(write.value, "is written by a pool step");
      if (op[0] === "mean-2x2") reasons.set(write.value, "takes means of 2x2 pixels");
    }
  }
  values.forEach(({ kind }, id) => {
    if (kind !== "map") reasons.set(id, `is no map but ${kind}`);
  });
  return reasons;
}
