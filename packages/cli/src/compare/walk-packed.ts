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
import { marginsOf } from "./packed-inside.js";
import { channelsOf, imageValue, interleave, planes, type Trace, type Value } from "./tensors.js";
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
    const sums = sumsOf(step, index).map(({ node, sum, given }) =>
      walk.value(node, "sum", covers, sum, given),
    );
    if (sums.includes(false)) return;
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

  /** The accumulator, or its channels by convolution where the other network has several. */
  function sumsOf(step: Step, index: number): Sums[] {
    const opener = weightNode(step);
    if (opener === undefined) return [];
    const nodes = new Set([opener, ...step.covers].filter((name) => tracedSum(name)));
    if (nodes.size === 0) return [];
    const whole = own(outputs[sumName(step, index)]);
    const [channels] = whole.shape;
    if (tracedSum(opener)?.shape[0] === channels) return [sumOf(opener, whole, 0)];
    const sums: Sums[] = [];
    let first = 0;
    for (const node of nodes) {
      sums.push(sumOf(node, whole, first));
      first += tracedSum(node)!.shape[0];
    }
    return first === channels ? sums : [];
  }

  function sumOf(node: string, whole: Value, first: number): Sums {
    const given = tracedSum(node)!;
    return { node, sum: channelsOf(whole, first, given.shape[0]), given };
  }

  function tracedSum(node: string): Value | undefined {
    return trace.values.get(`${node}:sum`);
  }
}

/** A convolution's accumulator, here and in the other network. */
interface Sums {
  readonly node: string;
  readonly sum: Value;
  readonly given: Value;
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
