import { isPadded } from "../geometry.js";
import type { MicroOp, PoolStep, Program, Step, ValueId } from "../types.js";
import { withValues } from "./with-values.js";

/**
 * The program without the 2x2 average pools of stride 2 that the steps before them can do: where
 * nobody else reads a map, whoever would store it stores its means instead (mean-2x2), and the map
 * never exists. Bits do not change.
 */
export function joinPools(program: Program): Program {
  const pools = poolsToJoin(program);
  if (pools.size === 0) return program;
  const steps = [...program.steps];
  for (const [map, { step, means }] of pools) {
    let covers = step.covers;
    for (let i = steps.length - 1; i >= 0; i--) {
      if (!steps[i].epilogue.some((op) => op[0] === "store" && op[2] === map)) continue;
      const epilogue = steps[i].epilogue.map((op) => redirected(op, map, means));
      // The last that writes the map completes the means.
      steps[i] = { ...steps[i], covers: [...steps[i].covers, ...covers], epilogue };
      covers = [];
    }
  }
  const joined = new Set([...pools.values()].map(({ step }) => step));
  const rest = steps.filter((step) => !joined.has(step));
  const kept = program.values.flatMap((_, id) => (pools.has(id) ? [] : [id]));
  return withValues({ ...program, steps: rest }, new Set(kept));
}

interface JoinedPool {
  readonly step: Step;
  /** The value that it stores. */
  readonly means: ValueId;
}

/** By the map that each reads. */
function poolsToJoin(program: Program): Map<ValueId, JoinedPool> {
  const once = readOnce(program);
  const pools = new Map<ValueId, JoinedPool>();
  const halved = new Set<ValueId>();
  for (const step of program.steps) {
    const means = once.has(step.input) ? meansOf(program, step) : undefined;
    // Means of means: the second pool has a map to read.
    if (means === undefined || halved.has(step.input)) continue;
    pools.set(step.input, { step, means });
    halved.add(means);
  }
  return pools;
}

/** A store into the map as one of its means. */
function redirected(op: MicroOp, map: ValueId, means: ValueId): MicroOp {
  return op[0] === "store" && op[2] === map ? ["mean-2x2", op[1], means, op[3]] : op;
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

function isHalving(step: PoolStep): boolean {
  const twos = [...step.kernel, ...step.stride].every((n) => n === 2);
  return step.mode === "average" && twos && !isPadded(step);
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
