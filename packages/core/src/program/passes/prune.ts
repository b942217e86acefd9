import { mapOperands, operandsOf, writeOf } from "../micro-ops.js";
import type { MicroOp, Program, Step, ValueId } from "../types.js";
import { withValues } from "./with-values.js";

/**
 * The program that computes only some outputs: writes that nobody reads, and steps that are left
 * without any, are dropped. Bits of what remains do not change.
 */
export function prune(program: Program, outputs: readonly string[]): Program {
  const kept = Object.entries(program.outputs).filter(([name]) => outputs.includes(name));
  const needed = new Set<ValueId>([program.input, ...kept.map(([, id]) => id)]);
  const steps: Step[] = [];
  for (let i = program.steps.length - 1; i >= 0; i--) {
    const step = program.steps[i];
    const epilogue = liveOps(step.epilogue, needed);
    if (epilogue.length === 0) continue;
    needed.add(step.input);
    for (const op of epilogue) if (op[0] === "load") needed.add(op[1]);
    steps.push({ ...step, epilogue });
  }
  steps.reverse();
  return withValues({ ...program, steps, outputs: Object.fromEntries(kept) }, needed);
}

/** Without the writes of values that are not needed, and without what only led to them. */
function liveOps(epilogue: readonly MicroOp[], needed: ReadonlySet<ValueId>): MicroOp[] {
  const live: boolean[] = new Array(epilogue.length + 1).fill(false);
  for (let i = epilogue.length - 1; i >= 0; i--) {
    const write = writeOf(epilogue[i]);
    live[i + 1] ||= write !== undefined && needed.has(write.value);
    if (!live[i + 1]) continue;
    for (const register of operandsOf(epilogue[i], "register")) live[register] = true;
  }
  return keep(epilogue, live, needed);
}

function keep(
  epilogue: readonly MicroOp[],
  live: readonly boolean[],
  needed: ReadonlySet<ValueId>,
): MicroOp[] {
  const registers: number[] = [0];
  const kept: MicroOp[] = [];
  epilogue.forEach((op, i) => {
    const write = writeOf(op);
    // A dropped write still lends its name to the register it passed on.
    const dropped = !live[i + 1] || (write && !needed.has(write.value));
    if (!dropped) kept.push(mapOperands(op, "register", (r) => registers[r]));
    registers[i + 1] = dropped ? (write ? registers[op[1] as number] : -1) : kept.length;
  });
  return kept;
}
