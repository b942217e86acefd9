import { operandsOf, type Program, type Step, type ValueId } from "onebit/program";
import type { Life, NumberBytes } from "./arena.js";

/**
 * Whose place each value has: its own, or that of a map which the step that writes it reads for the last time. Such a
 * step reads the number at a pixel and channel before it writes there, and reads no other afterwards.
 */
export function sharedPlaces(
  program: Program,
  lives: readonly Life[],
  bytes: NumberBytes,
  elsewhere: readonly ValueId[],
): ValueId[] {
  const owners = program.values.map((_, id) => id);
  program.steps.forEach((step, i) => {
    const free = readInPlace(step).filter((id) => {
      return lives[id].last === i && lives[id].first < i && !elsewhere.includes(id);
    });
    for (const op of step.epilogue) {
      if (op[0] !== "store" || lives[op[2]].first !== i) continue;
      const at = free.findIndex((id) => isAlike(program, id, op[2], bytes));
      if (at < 0 || op[3] !== 0) continue;
      owners[op[2]] = owners[free[at]];
      free.splice(at, 1);
    }
  });
  return owners;
}

/** Maps that a step reads pixel by pixel, channel by channel, and in no other way. */
function readInPlace(step: Step): ValueId[] {
  const loaded = step.epilogue.flatMap((op) => operandsOf<ValueId>(op, "read"));
  const isElementWise = step.kind === "pointwise";
  const all = isElementWise ? [step.input, ...loaded] : loaded.filter((id) => id !== step.input);
  return [...new Set(all)];
}

function isAlike({ values }: Program, from: ValueId, to: ValueId, bytes: NumberBytes): boolean {
  const [a, b] = [values[from], values[to]];
  return (
    a.kind !== "bits" &&
    b.kind !== "bits" &&
    a.shape.join() === b.shape.join() &&
    bytes(a) === bytes(b) &&
    a.type === b.type
  );
}
