import {
  type Classifier,
  type LoadOptions,
  load,
  loadModel,
  type MapType,
  type Model,
} from "onebit";
import { atInputSize, type Program, type ProgramTensors, withMaps } from "onebit/program";
import { openPacked } from "./files.js";
import type { Subject, SubjectOptions } from "./subject.js";

/** A packed network, with its program. */
export interface PackedSubject extends Subject {
  readonly kind: "packed";
  readonly program: Program;
  readonly tensors: ProgramTensors;
  /** Of a program that scores classes. */
  readonly classifier?: Classifier;
}

/** A `.onebit` file on any backend. */
export async function packedSubject(
  path: string,
  { backend, threads, size, maps, budget }: SubjectOptions,
): Promise<PackedSubject> {
  const { program: stored, tensors, preprocess, bytes } = await openPacked(path);
  const sized = size ? atInputSize(stored, tensors, size) : stored;
  const program = maps ? withMaps(sized, maps) : sized;
  const options = { backend, threads, input: size, maps, budget };
  const { model, classifier } = await loadPacked(path, bytes, stored, options);
  const [input] = Object.values(model.inputs);
  const notes = [...(size ? sizeNotes(stored, size) : []), ...mapsNotes(model.info.maps, maps)];
  if (model.threadsReason) notes.push(`threads: ${model.threads}: ${model.threadsReason}`);
  return {
    ...{ kind: "packed", path, program, tensors, classifier, input },
    ...{ backend: model.backend, threads: model.threads, outputs: model.outputs },
    notes,
    scores: classifier?.info,
    preprocess: classifier ? classifier.info.preprocess : preprocess,
    run: (batch, outputs) => model.run(batch, { outputs }),
    dispose: async () => model.dispose(),
  };
}

interface LoadedModel {
  readonly model: Model;
  readonly classifier?: Classifier;
}

/** Any program, which errors call `name`: as a classifier, where it scores classes. */
export function loadPacked(
  name: string,
  bytes: Uint8Array,
  program: Program,
  options: LoadOptions,
): Promise<LoadedModel> {
  return calling(name, async () => {
    if (!scoresClasses(program)) return { model: await loadModel(bytes, options) };
    const classifier = await load(bytes, options);
    return { model: classifier, classifier };
  });
}

/** What is loaded from bytes is called "model" in errors: here by its name. */
export async function calling<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof Error) error.message = error.message.replace(/^model(?=: )/, () => name);
    throw error;
  }
}

/** Whether its output "logits" is a number per class. */
export function scoresClasses({ values, outputs }: Program): boolean {
  return Object.hasOwn(outputs, "logits") && values[outputs.logits].kind === "vector";
}

function sizeNotes({ values, input }: Program, [height, width]: readonly [number, number]) {
  const [rows, columns] = values[input].shape;
  if (rows === height && columns === width) return [];
  return [`packed for images of ${rows}x${columns}; it runs at ${height}x${width}`];
}

/** What users are told where maps are not float32, or not what was asked for. */
function mapsNotes(kept: MapType, asked: MapType = kept): string[] {
  if (kept !== "float32") return [`maps between steps are ${kept}`];
  if (asked === kept) return [];
  return [`maps of ${asked} change nothing: the network has no map that only epilogues touch`];
}
