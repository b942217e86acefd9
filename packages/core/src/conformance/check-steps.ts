import { readsOf } from "../program/micro-ops.js";
import type { Program, ProgramTensors } from "../program/types.js";
import type { Executable, StepValues } from "../runtime/backend.js";
import { createContext, runStep } from "../runtime/backends/reference/program.js";
import { place } from "./guarded-run.js";
import { type BoundedWrite, boundedWrites } from "./step-bounds.js";

/** Numbers so small may be taken for 0. */
const SUBNORMAL = 2 ** -126;

/**
 * Runs each step alone on what the reference has made of an image, and compares what it writes with the
 * reference's, to the bounds of step-bounds.ts: integers and what is decided by them to the bit. Undefined
 * where the backend has no such run, or nothing differs by more.
 */
export async function checkSteps(
  executable: Executable,
  program: Program,
  tensors: ProgramTensors,
  image: Float32Array,
): Promise<string | undefined> {
  if (!executable.runStep) return undefined;
  const context = createContext(program, tensors);
  context.values[program.input].set(image);
  for (const [index, step] of program.steps.entries()) {
    const given: StepValues = new Map(readsOf(step).map((id) => [id, context.values[id]]));
    const wanted = boundedWrites(context, step);
    const written = await executable.runStep(index, given);
    for (const write of wanted) {
      const message = difference(program, write, written.get(write.value)!);
      if (message) return `step ${index} (${step.kind}): ${message}`;
    }
    runStep(context, step);
  }
  return undefined;
}

/** The first number that is too far off. */
function difference(
  { values }: Program,
  { value, offset, shape: [height, width, channels], x, e }: BoundedWrite,
  actual: ArrayLike<number>,
): string | undefined {
  const { name, shape } = values[value];
  for (let i = 0; i < height * width * channels; i++) {
    // Nobody promises what becomes of infinities.
    if (!Number.isFinite(x[i]) || !Number.isFinite(e[i])) continue;
    const at = Math.floor(i / channels) * shape[2] + offset + (i % channels);
    if (Math.abs(actual[at] - x[i]) <= e[i] + SUBNORMAL) continue;
    return `${name}, ${place(at, shape)} is ${actual[at]}, ${x[i]} expected, to ${e[i].toPrecision(2)}`;
  }
  return undefined;
}
