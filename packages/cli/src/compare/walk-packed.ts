import type { FloatTensor } from "onebit";
import {
  type MicroOp,
  observe,
  operandsOf,
  type Program,
  type ProgramTensors,
  type Step,
  sumName,
  type ValueId,
  weightNode,
  writeOf,
} from "onebit/program";
import { createContext, runStep } from "onebit/reference";
import { marginsOf } from "./packed-subject.js";
import { imageValue, interleave, planes, type Trace, type Value } from "./tensors.js";
import type { Walk } from "./walk.js";

/**
 * Computes a packed network one step at a time, in plain TypeScript, each step from what the other
 * network (the trace) had at that point: a flip or a fault in one step is not carried into the next.
 */
export function walkPacked(
  { program, tensors }: { readonly program: Program; readonly tensors: ProgramTensors },
  image: FloatTensor,
  trace: Trace,
  walk: Walk,
): void {
  const observed = observe(program, () => true);
  const context = createContext(observed.program, tensors);
  const { values, outputs } = observed.program;
  interleave(imageValue(image)!, context.values[program.input]);
  const own = (id: ValueId): Value => planes(context.values[id], values[id].shape);
  const margin = (name: string): Value | undefined => {
    const before = outputs[`${name}:before`];
    const seen = new Map([[`${name}:before`, own(before)]]);
    return marginsOf(observed, tensors, seen).get(name);
  };
  const lastWriters = lastWrites(program.steps);
  program.steps.forEach((original, index) => {
    for (const id of readsOf(original)) force(id);
    runStep(context, observed.program.steps[index]);
    walk.step = index;
    compareStep(original, index);
  });

  function force(id: ValueId): void {
    const given = trace.values.get(values[id].name);
    const target = context.values[id];
    if (id !== program.input && given && given.data.length === target.length) {
      interleave(given, target);
    }
  }

  /** Reports the first thing in a step that differs: what follows in it is its consequence. */
  function compareStep(step: Step, index: number): void {
    const { covers } = step;
    const opener = weightNode(step);
    if (opener !== undefined && trace.values.has(`${opener}:sum`)) {
      const sum = own(outputs[sumName(step, index)]);
      if (!walk.value(opener, "sum", covers, sum, trace.values.get(`${opener}:sum`))) return;
    }
    for (const id of writtenBy(step.epilogue)) {
      if (lastWriters.get(id) !== index) continue;
      const { name, kind } = values[id];
      const agrees =
        kind === "bits"
          ? walk.sign(
              name,
              covers,
              { a: own(id), b: trace.values.get(name) },
              { a: margin(name), b: trace.margins.get(name) },
            )
          : walk.value(name, "value", covers, own(id), trace.values.get(name));
      if (!agrees) return;
    }
  }
}

function readsOf(step: Step): ValueId[] {
  return [step.input, ...step.epilogue.flatMap((op) => operandsOf(op, "read"))];
}

function writtenBy(epilogue: readonly MicroOp[]): Set<ValueId> {
  return new Set(epilogue.flatMap((op) => writeOf(op)?.value ?? []));
}

/** The step that completes each value. */
function lastWrites(steps: readonly Step[]): Map<ValueId, number> {
  const last = new Map<ValueId, number>();
  steps.forEach(({ epilogue }, index) => {
    for (const id of writtenBy(epilogue)) last.set(id, index);
  });
  return last;
}
