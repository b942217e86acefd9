import { type FloatTensor, load } from "onebit";
import { writeOnebit } from "onebit/file";
import {
  atInputSize,
  type Observed,
  observe,
  type Program,
  type ProgramTensors,
  withMaps,
} from "onebit/program";
import { mapsNotes } from "../flags/maps.js";
import { openPacked } from "../models-on-disk.js";
import type { OpenOptions, Subject, Tracer } from "./subject.js";
import { imageValue, type Value } from "./tensors.js";

export interface PackedSubject extends Subject {
  readonly kind: "packed";
  readonly program: Program;
  readonly tensors: ProgramTensors;
}

/** A `.onebit` file on any backend. */
export async function packedSubject(
  path: string,
  { backend, threads, size, maps, budget }: OpenOptions,
): Promise<PackedSubject> {
  const { program: stored, tensors, bytes } = await openPacked(path);
  const sized = size ? atInputSize(stored, tensors, size) : stored;
  const program = maps ? withMaps(sized, maps) : sized;
  const model = await load(bytes, { backend, threads, input: size, maps, budget });
  const { info } = model;
  const notes = mapsNotes(info.maps, maps).map((note) => `${path}: ${note}`);
  return {
    ...{ kind: "packed", path, program, tensors, backend: model.backend, notes },
    ...{ input: info.input, classes: info.classes, preprocess: info.preprocess },
    labels: info.labels,
    run: async (images) => (await model.run(images)).logits,
    names: program.values.flatMap(({ name }, id) => (id === program.input ? [] : [name])),
    signs: program.values.filter(({ kind }) => kind === "bits").map(({ name }) => name),
    tracer: (isWanted) =>
      packedTracer({ program, tensors }, isWanted, { backend, threads, budget }),
    dispose: async () => model.dispose(),
  };
}

/** The observed program as a file of its own, on the same backend: what is compared is what runs. */
async function packedTracer(
  { program, tensors }: Pick<PackedSubject, "program" | "tensors">,
  isWanted: (name: string) => boolean,
  options: Pick<OpenOptions, "backend" | "threads" | "budget">,
): Promise<Tracer> {
  const observed = observe(program, isWanted);
  const { logits } = program.outputs;
  const outputs = { ...observed.program.outputs, logits };
  const file = await writeOnebit({ program: { ...observed.program, outputs }, tensors });
  const model = await load(file, options);
  return {
    async trace(image: FloatTensor) {
      const values = new Map<string, Value>();
      for (const [name, tensor] of Object.entries(await model.features(image))) {
        if (name in observed.program.outputs) values.set(name, imageValue(tensor)!);
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
