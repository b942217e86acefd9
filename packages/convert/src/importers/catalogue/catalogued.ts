import type { Graph } from "onebit/graph";
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
  /** Switches that are not the family's defaults. */
  readonly switches: (shapes: Shapes) => Switches;
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
  const { tensors, unused } = split(stored.tensors, keys.isUnused);
  const shapes = shapesOf(tensors);
  const recognised = recognise(keys, shapes, told.arch);
  const bits = await (keys.bits ?? asTold)(tensors, unused, told.quantised);
  const switches = { ...recognised.switches, ...given(bits.switches) };
  const { form, note } = told.form
    ? { form: told.form, note: undefined }
    : await keys.form(tensors, shapes, stored.metadata);
  const { options, notes } = sized(keys, { ...recognised, switches }, shapes, form, told);
  const { arch, entry } = recognised;
  const graph = buildModel(arch, options);
  const official = spelledAs(graph, tensors);
  return {
    architecture: { name: arch, options },
    ...{ unused, form, switches },
    ...(keys.finish ? await keys.finish(graph, official) : { tensors: official }),
    widths: widthsOf({ ...options, ...entry.defaults, ...switches }),
    preprocess: preprocessOf({ entry, classes: options.classes, input: options.input }),
    notes: [
      ...(note ? [note] : []),
      ...bits.notes,
      ...notes,
      ...strideNotes(graph, keys.stem, entry, options),
    ],
  };
}

/** What weights tell only in part: classes, channels, and the sizes that have to be assumed. */
function sized(
  { stem }: FamilyKeys,
  { arch, entry, switches }: Recognised,
  shapes: Shapes,
  form: Form,
  { stemStride, input: size, preprocess: { size: sides } = {} }: NetworkOptions,
): { readonly options: ModelOptions; readonly notes: readonly string[] } {
  const classes = dimension(shapes, "fc.weight", 0, "how many classes there are");
  const channels = dimension(shapes, stem, 1, "how many channels images have");
  const known = { classes, form, ...switches, ...given({ stemStride }) };
  const usual = [channels, ...(sides ?? defaultSides({ entry, classes }))] as const;
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

function split(stored: Tensors, isUnused: (key: string) => boolean = () => false) {
  const entries = [...stored];
  return {
    tensors: new Map(entries.filter(([key]) => !isUnused(key))),
    unused: new Map(entries.filter(([key]) => isUnused(key))),
  };
}

async function asTold(_: Tensors, __: Tensors, quantised?: string): Promise<FoundSwitches> {
  return { switches: { quantised }, notes: [] };
}

function widthsOf({ widths, width = 64, depths = [2, 2, 2, 2] }: Switches): readonly number[] {
  return widths ?? depths.map((_, stage) => width * 2 ** stage);
}

function given(switches: Switches): Switches {
  return Object.fromEntries(Object.entries(switches).filter(([, value]) => value !== undefined));
}
