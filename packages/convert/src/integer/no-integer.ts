import { OnebitError } from "onebit";
import type { MicroOp, Program, Step } from "onebit/program";

/** Why a step cannot be computed in whole numbers, and what to do. */
export function noInteger(step: Step, what: string = `steps of kind ${step.kind}`): OnebitError {
  return new OnebitError(
    `${step.covers[0] ?? step.kind}: there are no ${what} in whole numbers: leave --integer out`,
  );
}

const NONE: ReadonlySet<MicroOp[0]> = new Set(["sign", "max", "min", "round"] as const);

/** OnebitError where a program has what whole numbers have no form of. */
export function checkInteger({ steps, values }: Program): void {
  for (const step of steps) {
    const op = step.epilogue.find(([name]) => NONE.has(name));
    if (op) throw noInteger(step, `micro-ops "${op[0]}"`);
    if (step.kind === "shuffle") throw noInteger(step);
    if (step.kind === "pool" && values[step.input].kind === "bits") {
      throw noInteger(step, "pools of bits");
    }
    if (step.kind !== "binary-conv") continue;
    if (step.padValue === "replicate") throw noInteger(step, "borders that replicate");
    if (step.dilation) throw noInteger(step, "dilated convolutions");
  }
}
