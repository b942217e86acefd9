import { levelsOf } from "../../../program/quantiser.js";
import type { QuantiseStep } from "../../../program/types.js";
import type { Records } from "./agreed.js";
import { type Instruction, type Operand, vectorBytes } from "./instruction.js";
import type { MemoryPlan } from "./memory-plan.js";
import { sourceOperand, type ValueLayout } from "./value-layout.js";

/** Ranges of the whole map before the first block, then the grid block by block. */
export function compileQuantise(
  plan: MemoryPlan,
  { bits, clip, group }: QuantiseStep,
  index: number,
  source: ValueLayout,
  dst: Operand,
): { readonly prologue: readonly Instruction[]; readonly body: readonly Instruction[] } {
  const channels = source.value.shape[2];
  const ranges = plan.temporary(2 * vectorBytes(channels), index, index);
  const table: Records["Grid"] = [clip, levelsOf(bits)];
  const s = plan.constant(Float32Array.from(table));
  const a = sourceOperand(source);
  const into = { place: ranges, pixel: 0, advance: 0 };
  const u = group === "image" ? 1 : 0;
  return {
    prologue: [{ op: "gridRange", channels, dst: into, a, s, u }],
    body: [{ op: "grid", channels, dst, a, s, t: ranges }],
  };
}
