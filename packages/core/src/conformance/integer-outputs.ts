import { operandsOf, writeOf } from "../program/micro-ops.js";
import type { MicroOp, Program, Step, ValueId } from "../program/types.js";

/**
 * The outputs that no rounding leads to: what a backend gives bit for bit that promises integers and
 * what is decided by them. Signs of the input, sums of signs, and what is chosen from these.
 */
export function integerOutputs({ values, steps, input, outputs }: Program): string[] {
  const rounded = new Set<ValueId>();
  const isExact = (id: ValueId) => !rounded.has(id) && values[id].type === undefined;
  for (const step of steps) {
    for (const { op, exact } of withExactness(step, isExact)) {
      const write = writeOf(op);
      if (write && !exact) rounded.add(write.value);
    }
  }
  return Object.keys(outputs).filter((name) => outputs[name] !== input && isExact(outputs[name]));
}

/** Each micro-op, and whether what it defines or writes went through no rounding. */
function withExactness(step: Step, isExact: (id: ValueId) => boolean) {
  const sums = ["binary-conv", "pointwise", "shuffle"].includes(step.kind);
  const registers = [sums && isExact(step.input)];
  return step.epilogue.map((op: MicroOp) => {
    const chosen = () => operandsOf(op, "register").every((r) => registers[r]);
    const exact = op[0] === "load" ? isExact(op[1]) : CHOOSING.has(op[0]) && chosen();
    registers.push(writeOf(op) ? registers[op[1]] : exact);
    return { op, exact };
  });
}

/** They pass on a number, compare it, or cut its fraction off. */
const CHOOSING: ReadonlySet<MicroOp[0]> = new Set([
  ...(["relu", "clamp", "max", "min", "round", "sign", "store", "bits"] as const),
]);
