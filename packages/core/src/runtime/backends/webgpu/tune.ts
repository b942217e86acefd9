import { outputShape, packedRowBytes } from "../../../program/geometry.js";
import type { BinaryConvStep, Program, ProgramTensors, Step } from "../../../program/types.js";
import { compileProgram, type Limits, type PreferForm } from "./compile.js";
import { pixelsOf } from "./compiling.js";
import type { Gpu } from "./device.js";
import { canTile, type Form, formName, TILED_FORMS } from "./forms.js";
import { LoadedProgram } from "./loaded.js";

/** Milliseconds for all races of a program: what is left then takes the first form. */
const BUDGET = 500;
/** Of one measurement: enough for a page's clock. */
const LEAST = 2;
const MOST_REPEATS = 256;

/** The fastest form of each shape class, by adapter: measured once in a page or process. */
const measured = new Map<string, Form>();

/**
 * The forms that are fastest on this adapter for a program's convolutions, after a short race for each shape
 * class that has had none. Software adapters tell nothing by it.
 */
export async function preferredForms(
  gpu: Gpu,
  program: Program,
  limits: Limits,
): Promise<PreferForm | undefined> {
  if (gpu.software) return undefined;
  const end = performance.now() + BUDGET;
  for (const step of program.steps) {
    if (step.kind !== "binary-conv" || !canTile(step)) continue;
    const key = classOf(gpu, program, step);
    if (measured.has(key)) continue;
    if (performance.now() > end) break;
    measured.set(key, await race(gpu, program, step, limits));
  }
  return (of, step, fitting) => {
    const form = measured.get(classOf(gpu, of, step));
    return form && (form === "direct" || fitting.includes(form)) ? form : fitting[0];
  };
}

/** What a convolution's time depends on. */
function classOf({ name }: Gpu, program: Program, step: BinaryConvStep): string {
  const [, , channels] = program.values[step.input].shape;
  const pixels = pixelsOf(outputShape(program, step));
  const { kernel, stride, dilation, groups, out } = step;
  return [name, pixels, channels, kernel, stride, dilation, groups, out].join(" ");
}

/** Each form computes the convolution alone, again and again. */
async function race(
  gpu: Gpu,
  program: Program,
  step: BinaryConvStep,
  limits: Limits,
): Promise<Form> {
  const alone = convolutionAlone(program, step);
  let best: Form = TILED_FORMS[0];
  let least = Number.POSITIVE_INFINITY;
  for (const form of [...TILED_FORMS, "direct" as const]) {
    const compiled = compileProgram(...alone, { limits, prefer: () => form });
    // What does not fit has been replaced.
    if (compiled.kernels[1] !== formName(form)) continue;
    const loaded = await LoadedProgram.create(gpu, compiled, { most: 1 });
    const time = await timeOf(loaded).finally(() => loaded.dispose());
    if (time < least) [least, best] = [time, form];
  }
  return best;
}

/** Of one run, by as many as the clock needs. */
async function timeOf(loaded: LoadedProgram): Promise<number> {
  await loaded.repeat(1, 1);
  for (let repeats = 4; ; repeats *= 4) {
    const time = await loaded.repeat(1, repeats);
    if (time >= LEAST || repeats >= MOST_REPEATS) return time / repeats;
  }
}

/** Signs of zeros, and the convolution of them. */
function convolutionAlone(program: Program, step: BinaryConvStep): [Program, ProgramTensors] {
  const shape = program.values[step.input].shape;
  const signs: Step = {
    ...{ kind: "pointwise", covers: [], input: 0 },
    epilogue: [["bits", 0, "zeros", 1, 0, -1]],
  };
  const conv: Step = { ...step, input: 1, weight: "w", epilogue: [["store", 0, 2, 0]] };
  const values = [
    { name: "x", kind: "map", shape },
    { name: "signs", kind: "bits", shape },
    { name: "y", kind: "map", shape: outputShape(program, step) },
  ] as const;
  const bytes = packedRowBytes(step, shape[2]);
  return [
    { values, input: 0, steps: [signs, conv], outputs: { y: 2 } },
    {
      zeros: { type: "float32", shape: [shape[2]], data: new Float32Array(shape[2]) },
      w: { type: "bits", shape: [step.out, bytes], data: new Uint8Array(step.out * bytes) },
    },
  ];
}
