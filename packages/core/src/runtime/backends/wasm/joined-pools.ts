import type { MicroOp, PoolStep, Program, Step, ValueId } from "../../../program/types.js";

/** A program whose steps may store means instead of what they compute. */
export interface JoinedProgram {
  readonly program: Program;
  /** Stores into these values leave the means of windows of 2x2 pixels there. */
  readonly halved: ReadonlySet<ValueId>;
}

/**
 * Joins 2x2 average pools of stride 2 to the steps that make their maps: nobody else reads the map,
 * so it is never stored. The pool's step stays, with nothing to do.
 */
export function joinPools(program: Program): JoinedProgram {
  const once = readOnce(program);
  const means = new Map<ValueId, ValueId>();
  const halved = new Set<ValueId>();
  for (const step of program.steps) {
    const value = once.has(step.input) ? meansOf(program, step) : undefined;
    // Means of means: the second pool has a map to read.
    if (value === undefined || halved.has(step.input)) continue;
    means.set(step.input, value);
    halved.add(value);
  }
  const steps = program.steps.map((step): Step => {
    const input = means.get(step.input);
    if (input !== undefined) return { kind: "pointwise", covers: step.covers, input, epilogue: [] };
    const stores = step.epilogue.some((op) => op[0] === "store" && means.has(op[2]));
    return stores ? { ...step, epilogue: step.epilogue.map((op) => redirected(op, means)) } : step;
  });
  return { program: { ...program, steps }, halved };
}

/** A store into a map as a store of the means. */
function redirected(op: MicroOp, means: ReadonlyMap<ValueId, ValueId>): MicroOp {
  const to = op[0] === "store" ? means.get(op[2]) : undefined;
  return op[0] === "store" && to !== undefined ? ["store", op[1], to, op[3]] : op;
}

/** The map of means that a step stores, where it can be joined. */
function meansOf(program: Program, step: Step): ValueId | undefined {
  if (step.kind !== "pool" || !isHalving(step) || step.epilogue.length !== 1) return undefined;
  const [op] = step.epilogue;
  if (op[0] !== "store") return undefined;
  const [map, means] = [program.values[step.input], program.values[op[2]]];
  const even = map.shape[0] % 2 === 0 && map.shape[1] % 2 === 0;
  const maps = map.kind === "map" && means.kind === "map";
  return even && maps && map.shape[2] === means.shape[2] ? op[2] : undefined;
}

function isHalving({ mode, kernel, stride, padding }: PoolStep): boolean {
  const twos = [...kernel, ...stride].every((n) => n === 2);
  return mode === "average" && twos && padding.every((n) => n === 0);
}

/** Values that one step reads, as its input, and the caller neither writes nor reads. */
function readOnce({ steps, input, outputs }: Program): ReadonlySet<ValueId> {
  const once = new Set<ValueId>();
  const others = new Set<ValueId>([input, ...Object.values(outputs)]);
  for (const step of steps) {
    if (once.has(step.input)) others.add(step.input);
    once.add(step.input);
    for (const op of step.epilogue) if (op[0] === "load") others.add(op[1]);
  }
  for (const id of others) once.delete(id);
  return once;
}
