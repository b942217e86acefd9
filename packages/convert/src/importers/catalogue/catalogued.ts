import type { Graph } from "onebit/graph";
import type { Preprocess } from "onebit/image";
import {
  buildModel,
  type Form,
  type ModelEntry,
  type ModelOptions,
  type Switches,
} from "onebit/models";
import type { MetadataValue } from "../../readers/checkpoint.js";
import type { TensorEntry } from "../../readers/tensor-entry.js";
import type {
  FoundNetwork,
  Importer,
  NetworkOptions,
  NetworkTensor,
  StoredNetwork,
} from "../importer.js";
import type { Labels } from "../labels.js";
import { assumedInput } from "./assumed-input.js";
import { type Recognised, recognise } from "./recognise.js";
import { dimension, type Shapes, shapesOf, some } from "./shapes.js";
import { spelledAs } from "./spelling.js";
import { defaultSides, preprocessOf } from "./usual-images.js";

export type Tensors = ReadonlyMap<string, TensorEntry>;

/** Whether weights are binary, and how that was told. */
export interface FoundForm {
  readonly form: Form;
  /** Where keys do not tell: what was assumed, and why. */
  readonly note?: string;
}

/** Switches, and what to say of them. */
export interface FoundSwitches {
  readonly switches: Switches;
  readonly notes: readonly string[];
}

/** What is usual for networks with such keys; what is absent is the catalogue entry's. */
export interface KnownImages {
  readonly sides?: readonly [height: number, width: number];
  readonly preprocess?: Preprocess;
  readonly labels?: Labels;
  /** Where it comes from. */
  readonly note?: string;
}

/** What is special about a family whose architectures are in the catalogue of models, by official key. */
export interface FamilyKeys {
  /** Name of the family in the catalogue. */
  readonly family: string;
  /** A key that no other family has. */
  readonly mark: RegExp;
  /** Keys of its modules; others do not belong to it. */
  readonly members: RegExp;
  /** Where the input's channels and the stem's width stand. */
  readonly stem: string;
  /** Where the classes stand. Default: "fc.weight". */
  readonly classifier?: string;
  /** The tensors by official key, where others write them differently. Default: as they are. */
  readonly respelt?: (tensors: Tensors) => Tensors;
  /** Switches that are not the family's defaults; `stored` are the keys as they stand in the file. */
  readonly switches: (shapes: Shapes, stored: Tensors) => Switches;
  /** Height and width, class names and preparation of images that these keys speak of. */
  readonly images?: (stored: Tensors, classes: number) => KnownImages;
  readonly form: (
    tensors: Tensors,
    shapes: Shapes,
    metadata: ReadonlyMap<string, MetadataValue>,
  ) => Promise<FoundForm>;
  /** Members that the graph does not have and nothing reads. */
  readonly isUnused?: (key: string) => boolean;
  /** Which layers are quantised. Default: as told. */
  readonly bits?: (tensors: Tensors, unused: Tensors, told?: string) => Promise<FoundSwitches>;
  /** What needs the graph. */
  readonly finish?: (
    graph: Graph,
    tensors: ReadonlyMap<string, NetworkTensor>,
  ) => Promise<Pick<FoundNetwork, "tensors" | "temperature" | "notYetBinary">>;
}

/** An importer of networks which the catalogue of models can build and whose keys are the graph's. */
export function catalogued(keys: FamilyKeys): Importer {
  return {
    family: keys.family,
    recognises: ({ tensors }) => some(tensors, keys.mark),
    owns: (key) => keys.members.test(key),
    network: (stored, options) => findNetwork(keys, stored, options),
  };
}

async function findNetwork(
  keys: FamilyKeys,
  stored: StoredNetwork,
  told: NetworkOptions,
): Promise<FoundNetwork> {
  const { tensors, unused } = split(stored.tensors, keys);
  const shapes = shapesOf(tensors);
  const inferred = keys.switches(shapes, stored.tensors);
  const recognised = recognise(keys.family, inferred, told.arch);
  const bits = await (keys.bits ?? asTold)(tensors, unused, told.quantised);
  const switches = { ...recognised.switches, ...given(bits.switches) };
  const { form, note } = told.form
    ? { form: told.form, note: undefined }
    : await keys.form(tensors, shapes, stored.metadata);
  const classes = classesOf(keys, shapes);
  const images = keys.images?.(stored.tensors, classes) ?? {};
  const found = { ...recognised, switches, classes, images };
  const { options, notes } = sized(keys, found, shapes, form, told);
  const { arch, entry } = recognised;
  const graph = buildModel(arch, options);
  const official = spelledAs(graph, tensors);
  return {
    architecture: { name: arch, options },
    ...{ unused, form, switches },
    ...(keys.finish ? await keys.finish(graph, official) : { tensors: official }),
    widths: widthsOf({ ...options, ...entry.defaults, ...switches }, shapes.get(keys.stem)?.[0]),
    labels: images.labels,
    preprocess: preprocessOf({ entry, images, classes, input: options.input }),
    notes: [
      ...(note ? [note] : []),
      ...(images.note ? [images.note] : []),
      ...bits.notes,
      ...notes,
      ...strideNotes(graph, keys.stem, entry, options),
    ],
  };
}

function classesOf({ classifier = "fc.weight" }: FamilyKeys, shapes: Shapes): number {
  return dimension(shapes, classifier, 0, "how many classes there are");
}

interface Found extends Recognised {
  readonly classes: number;
  readonly images: KnownImages;
}

/** What weights tell only in part: channels, and the sizes that have to be assumed. */
function sized(
  { stem }: FamilyKeys,
  { arch, entry, switches, classes, images }: Found,
  shapes: Shapes,
  form: Form,
  { stemStride, input: size, preprocess: { size: sides } = {} }: NetworkOptions,
): { readonly options: ModelOptions; readonly notes: readonly string[] } {
  const channels = dimension(shapes, stem, 1, "how many channels images have");
  const known = { classes, form, ...switches, ...given({ stemStride }) };
  const usual = [channels, ...(sides ?? images.sides ?? defaultSides({ entry, classes }))] as const;
  const input = size ?? (sides ? usual : assumedInput(arch, known, usual));
  const notes: string[] = [];
  if (!size && !sides) {
    notes.push(`weights do not tell the input size: ${input.join("x")} is assumed`);
  }
  return { options: { ...known, input }, notes };
}

function strideNotes(
  graph: Graph,
  stem: string,
  { switches }: ModelEntry,
  { stemStride }: ModelOptions,
): string[] {
  if (stemStride !== undefined || !switches.includes("stemStride")) return [];
  const stride = graph.nodes.find(({ inputs }) => inputs.includes(stem))?.attrs.stride;
  return [`weights do not tell the stride of the stem: ${[stride].flat()[0]} is assumed`];
}

function split(stored: Tensors, { isUnused = () => false, respelt }: FamilyKeys) {
  const entries = [...(respelt?.(stored) ?? stored)];
  return {
    tensors: new Map(entries.filter(([key]) => !isUnused(key))),
    unused: new Map(entries.filter(([key]) => isUnused(key))),
  };
}

async function asTold(_: Tensors, __: Tensors, quantised?: string): Promise<FoundSwitches> {
  return { switches: { quantised }, notes: [] };
}

function widthsOf(
  { widths, width, depths = [2, 2, 2, 2] }: Switches,
  stem = 64,
): readonly number[] {
  return widths ?? depths.map((_, stage) => (width ?? stem) * 2 ** stage);
}

function given(switches: Switches): Switches {
  return Object.fromEntries(Object.entries(switches).filter(([, value]) => value !== undefined));
}
