import { loadModel, OnebitError } from "onebit";
import { writeOnebit } from "onebit/file";
import {
  isComputing,
  type MicroOp,
  outputShape,
  type Program,
  type ProgramTensors,
  type ProgramValue,
  prune,
  type Step,
} from "onebit/program";

/** Largest numbers, without their sign, that a network came to on some images. */
export interface Ranges {
  /** By value id. */
  readonly values: readonly number[];
  /** By step and register; undefined: not looked at. */
  readonly registers: readonly (readonly (number | undefined)[])[];
}

/** images: normalised, [H, W, C] each. The program's maps must be float32. */
export async function rangesOf(
  program: Program,
  tensors: ProgramTensors,
  images: readonly Float32Array[],
): Promise<Ranges> {
  const { program: shown, registers } = withRegisters(program);
  const { kind, shape } = program.values[program.input];
  const inputs = images.map((image) => ({
    shape: [1, ...(kind === "map" ? [shape[2], ...shape.slice(0, 2)] : [shape[2]])],
    data: planes(image, shape[2]),
  }));
  const largest = new Map<string, number>();
  for (const image of images) note(largest, INPUT, image);
  const names = Object.keys(shown.outputs);
  for (let from = 0; from < names.length; from += AT_ONCE) {
    const some = prune(shown, names.slice(from, from + AT_ONCE));
    using model = await loadModel(await writeOnebit({ program: some, tensors }), {
      backend: "wasm",
    });
    for (const input of inputs) {
      for (const [name, { data }] of Object.entries(await model.run(input))) {
        note(largest, name, data);
      }
    }
  }
  const of = (name: string | undefined) => (name === undefined ? undefined : largest.get(name));
  return {
    values: program.values.map((_, id) => of(id === program.input ? INPUT : `value ${id}`) ?? 0),
    registers: registers.map((names) => names.map(of)),
  };
}

const INPUT = "input";
/** Outputs of one program: the most that a file may have. */
const AT_ONCE = 1024;

/** [H, W, C] as [C, H, W]. */
export function planes(image: Float32Array, channels: number): Float32Array {
  const pixels = image.length / channels;
  return Float32Array.from(
    image,
    (_, i) => image[(i % pixels) * channels + Math.floor(i / pixels)],
  );
}

function note(largest: Map<string, number>, name: string, data: Float32Array): void {
  let most = largest.get(name) ?? 0;
  for (const x of data) most = Math.max(most, x < 0 ? -x : x);
  if (!Number.isFinite(most)) throw new OnebitError(`${name}: not finite on the images given`);
  largest.set(name, most);
}

/** The program with every number that it computes as an output. */
function withRegisters(program: Program) {
  const values: ProgramValue[] = [...program.values];
  const outputs: { [name: string]: number } = {};
  const registers: (string | undefined)[][] = [];
  program.values.forEach(({ kind }, id) => {
    if (kind !== "bits" && id !== program.input) outputs[`value ${id}`] = id;
  });
  const steps = program.steps.map((step, i): Step => {
    const shape = outputShape(program, step);
    const names = Array.from({ length: step.epilogue.length + 1 }, (_, register) =>
      computes(step, register) ? `step ${i}, register ${register}` : undefined,
    );
    registers.push(names);
    const stores = names.flatMap((name, register): MicroOp[] => {
      if (name === undefined) return [];
      outputs[name] = values.push({ name, kind: "map", shape }) - 1;
      return [["store", register, outputs[name], 0]];
    });
    return { ...step, epilogue: [...step.epilogue, ...stores] };
  });
  return { program: { ...program, values, steps, outputs }, registers };
}

const computes = ({ epilogue }: Step, register: number) =>
  register === 0 || isComputing(epilogue[register - 1]);
