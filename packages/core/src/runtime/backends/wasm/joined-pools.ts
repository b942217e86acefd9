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
  const means = new Map<ValueId, ValueId>();
  const halved = new Set<ValueId>();
  for (const step of program.steps) {
    const value = meansOf(program, step);
    // Means of means: the second pool has a map to read.
    if (value === undefined || halved.has(step.input)) continue;
    means.set(step.input, value);
    halved.add(value);
  }
  const steps = program.steps.map((step): Step => {
    const input = means.get(step.input);
    if (input !== undefined) return { kind: "pointwise", covers: step.covers, input, epilogue: [] };
    const epilogue = step.epilogue.map((op): MicroOp => {
      const to = op[0] === "store" ? means.get(op[2]) : undefined;
      return op[0] === "store" && to !== undefined ? ["store", op[1], to, op[3]] : op;
    });
    return { ...step, epilogue };
  });
  return { program: { ...program, steps }, halved };
}

/** The map of means that a step stores, where it can be joined. */
function meansOf(program: Program, step: Step): ValueId | undefined {
  if (step.kind !== "pool" || !isHalving(step) || step.epilogue.length !== 1) return undefined;
  const [op] = step.epilogue;
  if (op[0] !== "store" || !isReadOnce(program, step.input)) return undefined;
  const [map, means] = [program.values[step.input], program.values[op[2]]];
  const even = map.shape[0] % 2 === 0 && map.shape[1] % 2 === 0;
  const maps = map.kind === "map" && means.kind === "map";
  return even && maps && map.shape[2] === means.shape[2] ? op[2] : undefined;
}

function isHalving({ mode, kernel, stride, padding }: PoolStep): boolean {
  const twos = [...kernel, ...stride].every((n) => n === 2);
  return mode === "average" && twos && padding.every((n) => n === 0);
}

/** One step reads the value, as its input, and the caller neither writes nor reads it. */
function isReadOnce({ steps, input, outputs }: Program, id: ValueId): boolean {
  if (id === input || Object.values(outputs).includes(id)) return false;
  const loaded = steps.some(({ epilogue }) =>
    epilogue.some((op) => op[0] === "load" && op[1] === id),
  );
  return !loaded && steps.filter((step) => step.input === id).length === 1;
}
