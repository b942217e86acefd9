import type { Form, ModelOptions, Switches } from "onebit/models";
import type { MetadataValue } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { assumedInput } from "./assumed-input.js";
import { dimension, families } from "./families.js";
import { findForm } from "./form.js";
import type { Candidate } from "./networks-in.js";
import { defaultSides, type InputSize } from "./preprocess.js";
import { clipNotes, findBits, withoutQuantisers } from "./quantised.js";
import { type Recognised, recognise } from "./recognise.js";

/** What the caller may know better than keys and shapes. */
export interface NetworkOptions {
  /** Name of the architecture, where keys and shapes should not decide. */
  readonly arch?: string;
  /** BNext, ReActNet-A: the weights do not tell. Default: 2 for ReActNet or 1000 classes, else 1. */
  readonly stemStride?: 1 | 2;
  readonly form?: Form;
  /** BNext: bits of stem, gates, classifier (and BNext-18's shortcuts), such as "8-4-8". */
  readonly quantised?: string;
  /** Channels, height, width: the weights tell only the channels. */
  readonly input?: InputSize;
}

/** A network found in a file: its tensors, and how its graph is built. */
export interface FoundNetwork extends Recognised {
  /** By official key. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  /** Tensors of its quantisers, which nothing reads. */
  readonly quantisers: ReadonlyMap<string, TensorEntry>;
  readonly form: Form;
  readonly classes: number;
  readonly input: InputSize;
  readonly options: ModelOptions;
  readonly notes: readonly string[];
}

/** sides: height and width of the input, where only they are given. */
export async function findNetwork(
  { family, tensors: stored }: Pick<Candidate, "family" | "tensors">,
  metadata: ReadonlyMap<string, MetadataValue>,
  { arch, stemStride, form: told, input: size, quantised }: NetworkOptions,
  sides?: readonly [height: number, width: number],
): Promise<FoundNetwork> {
  const { tensors, quantisers } = withoutQuantisers(family, stored);
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const recognised = recognise(shapes, arch);
  const { entry } = recognised;
  const bits = findBits(recognised.family, tensors, quantisers, quantised);
  const switches = { ...recognised.switches, ...given(bits.switches) };
  const foundForm = told ? { form: told } : await findForm(family, tensors, metadata);
  const { form, note } = foundForm;
  const classes = dimension(shapes, "fc.weight", 0, "how many classes there are");
  const channels = dimension(shapes, families[family].stem, 1, "how many channels images have");
  const known = { classes, form, ...switches, ...given({ stemStride }) };
  const usual = [channels, ...(sides ?? defaultSides({ entry, classes }))] as const;
  const input = size ?? (sides ? usual : assumedInput(recognised.arch, known, usual));
  const options: ModelOptions = { ...known, input };
  const notes = [...(note ? [note] : []), ...bits.notes, ...(await clipNotes(quantisers))];
  if (!size && !sides) {
    notes.push(`weights do not tell the input size: ${input.join("x")} is assumed`);
  }
  const found = { ...recognised, switches, tensors, quantisers };
  return { ...found, form, classes, input, options, notes };
}

function given(switches: Switches): Switches {
  return Object.fromEntries(Object.entries(switches).filter(([, value]) => value !== undefined));
}
