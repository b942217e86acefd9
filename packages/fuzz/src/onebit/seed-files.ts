import { extremeProgram, type Random, type RandomProgram, randomProgram } from "onebit/conformance";
import { type OnebitFile, REAL_WEIGHTS, VECTORS, writeOnebit } from "onebit/file";
import type { Preprocess } from "onebit/image";
import { buildModel, type ModelOptions } from "onebit/models";
import { pack } from "onebit/pack";
import type { ProgramValue, Step } from "onebit/program";
import { randomWeights } from "../random-weights.js";

/** A sound network to start from. */
export interface SeedFile {
  readonly name: string;
  readonly file: OnebitFile;
}

/** Different programs of each kind. */
const PROGRAMS = 4000;

const NETWORKS: readonly (readonly [model: string, options: Partial<ModelOptions>])[] = [
  ["bnext", { widths: [8, 8], classes: 4, input: [1, 8, 8] }],
  ["bnext", { widths: [8, 8], classes: 3, input: [3, 8, 8] }],
  ["linear", { classes: 5, input: [3, 4, 4] }],
];

/** Mostly random programs, some on extreme shapes, some packed networks. */
export function seedFile(random: Random): SeedFile {
  const roll = random.number();
  const number = random.int(0, PROGRAMS - 1);
  if (roll < 0.8) return classifier(`random program ${number}`, randomProgram(number));
  if (roll < 0.9) return classifier(`extreme program ${number}`, extremeProgram(number));
  return network(random.int(0, NETWORKS.length - 1));
}

/** Its bytes, in one of the forms that tensors can be stored in. */
export function writeSeed(file: OnebitFile, random: Random): Promise<Uint8Array> {
  return writeOnebit(file, {
    realWeights: random.pick(REAL_WEIGHTS),
    vectors: random.pick(VECTORS),
  });
}

/** With logits: the means of its last output over the map. */
function classifier(name: string, { program, tensors }: RandomProgram): SeedFile {
  const input = Object.values(program.outputs).at(-1)!;
  const channels = program.values[input].shape[2];
  const logits = program.values.length;
  const value: ProgramValue = { name: "logits", kind: "vector", shape: [1, 1, channels] };
  const step: Step = {
    ...{ kind: "pointwise", covers: ["head"], input },
    epilogue: [["mean", 0, logits, 0]],
  };
  const complete = {
    ...program,
    values: [...program.values, value],
    steps: [...program.steps, step],
    outputs: { ...program.outputs, logits },
  };
  const preprocess = preprocessOf(complete.values[complete.input]);
  const labels = Array.from({ length: channels }, (_, i) => `class ${i}`);
  return { name, file: { program: complete, tensors, preprocess, labels, card: { name } } };
}

/** A program can only see photographs where it takes maps of one or three channels. */
function preprocessOf({ kind, shape }: ProgramValue): Preprocess | undefined {
  const [height, width, channels] = shape;
  if (kind !== "map" || (channels !== 1 && channels !== 3)) return undefined;
  const all = (value: number) => new Array<number>(channels).fill(value);
  return {
    ...{ size: [height, width], resize: [height, width], channels, crop: "none" },
    ...{ interpolation: "bilinear", mean: all(0.5), std: all(0.25) },
  };
}

const networks = new Map<number, SeedFile>();

function network(number: number): SeedFile {
  const known = networks.get(number);
  if (known) return known;
  const [model, options] = NETWORKS[number];
  const graph = buildModel(model, options);
  const { program, tensors } = pack(graph, randomWeights(graph, number));
  const logits = program.values[program.outputs.logits].shape[2];
  const made: SeedFile = {
    name: `packed ${model} ${JSON.stringify(options)}`,
    file: {
      ...{ program, tensors, card: { model } },
      preprocess: preprocessOf(program.values[program.input]),
      labels: Array.from({ length: logits }, (_, i) => `class ${i}`),
    },
  };
  networks.set(number, made);
  return made;
}
