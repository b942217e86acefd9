import type { PackedSubject, SubjectOptions } from "@onebit/train/subjects";
import { type FloatTensor, loadModel } from "onebit";
import { writeOnebit } from "onebit/file";
import { type Observed, observe, type Program, type ProgramTensors } from "onebit/program";
import type { Inside, Tracer } from "./inside.js";
import { imageValue, type Value } from "./tensors.js";

interface Packed {
  readonly program: Program;
  readonly tensors: ProgramTensors;
}

/** Every value of a packed program. */
export function insidePacked(
  { program, tensors }: PackedSubject,
  { backend, threads, budget }: SubjectOptions,
): Inside {
  return {
    names: program.values.flatMap(({ name }, id) => (id === program.input ? [] : [name])),
    signs: program.values.filter(({ kind }) => kind === "bits").map(({ name }) => name),
    tracer: (isWanted) =>
      packedTracer({ program, tensors }, isWanted, { backend, threads, budget }),
  };
}

/** The observed program as a file of its own, on the same backend: what is compared is what runs. */
async function packedTracer(
  { program, tensors }: Packed,
  isWanted: (name: string) => boolean,
  options: Pick<SubjectOptions, "backend" | "threads" | "budget">,
): Promise<Tracer> {
  const observed = observe(program, isWanted);
  const wanted = observed.program.outputs;
  // One that it has anyway, for a program needs one.
  const [[name, id]] = Object.entries(program.outputs);
  const outputs = { [name]: id, ...wanted };
  const file = await writeOnebit({ program: { ...observed.program, outputs }, tensors });
  const model = await loadModel(file, options);
  return {
    async trace(image: FloatTensor) {
      const values = new Map<string, Value>();
      for (const [name, tensor] of Object.entries(await model.run(image))) {
        if (name in wanted) values.set(name, imageValue(tensor)!);
      }
      return { values, margins: marginsOf(observed, tensors, values) };
    },
    dispose: async () => model.dispose(),
  };
}

/** What bits compared, minus their thresholds. */
export function marginsOf(
  { signs }: Observed,
  tensors: ProgramTensors,
  values: ReadonlyMap<string, Value>,
): Map<string, Value> {
  const margins = new Map<string, Value>();
  for (const { name, before, thresholds } of signs) {
    const seen = values.get(before);
    if (!seen) continue;
    const data = Float32Array.from(seen.data);
    const plane = seen.shape[1] * seen.shape[2];
    for (const { offset, tensor } of thresholds) {
      tensors[tensor].data.forEach((threshold, c) => {
        const start = (offset + c) * plane;
        for (let i = start; i < start + plane; i++) data[i] -= threshold;
      });
    }
    margins.set(name, { shape: seen.shape, data });
  }
  return margins;
}
