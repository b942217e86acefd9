import { mapOperands } from "../micro-ops.js";
import type { MicroOp, Program, ValueId } from "../types.js";

/** The program with some of its values, numbered anew; nothing else is read or written. */
export function withValues(program: Program, kept: ReadonlySet<ValueId>): Program {
  const ids = new Map<ValueId, ValueId>();
  for (const id of [...kept].sort((a, b) => a - b)) ids.set(id, ids.size);
  const id = (old: ValueId) => ids.get(old)!;
  const op = (o: MicroOp) => mapOperands(mapOperands(o, "read", id), "write", id);
  return {
    values: [...ids.keys()].map((old) => program.values[old]),
    input: id(program.input),
    steps: program.steps.map((step) => ({
      ...step,
      input: id(step.input),
      epilogue: step.epilogue.map(op),
    })),
    outputs: Object.fromEntries(
      Object.entries(program.outputs).map(([name, old]) => [name, id(old)]),
    ),
  };
}
