import type { Form, ModelOptions, Switches } from "onebit/models";
import type { MetadataValue } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { dimension, families } from "./families.js";
import { findForm } from "./form.js";
import { defaultSides, type InputSize } from "./preprocess.js";
import { type Recognised, recognise, withoutPrefix } from "./recognise.js";

/** What the caller may know better than keys and shapes. */
export interface NetworkOptions {
  /** Name of the architecture, where keys and shapes should not decide. */
  readonly arch?: string;
  /** BNext, ReActNet-A: the weights do not tell. Default: 2 for ReActNet or 1000 classes, else 1. */
  readonly stemStride?: 1 | 2;
  readonly form?: Form;
  /** Channels, height, width: the weights tell only the channels. */
  readonly input?: InputSize;
}

/** A network found in a file: its tensors, and how its graph is built. */
export interface FoundNetwork extends Recognised {
  readonly prefix: string;
  /** By official key. */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
  readonly form: Form;
  readonly classes: number;
  readonly input: InputSize;
  readonly options: ModelOptions;
  readonly notes: readonly string[];
}

/** sides: height and width of the input, where only they are given. */
export async function findNetwork(
  stored: ReadonlyMap<string, TensorEntry>,
  metadata: ReadonlyMap<string, MetadataValue>,
  { arch, stemStride, form: told, input: size }: NetworkOptions,
  sides?: readonly [height: number, width: number],
): Promise<FoundNetwork> {
  const { prefix, tensors } = withoutPrefix(stored);
  const shapes = new Map([...tensors].map(([key, { shape }]) => [key, shape]));
  const recognised = recognise(shapes, arch);
  const { entry, family, switches } = recognised;
  const found = told ? { form: told } : await findForm(family, tensors, metadata);
  const { form, note } = found;
  const classes = dimension(shapes, "fc.weight", 0, "how many classes there are");
  const channels = dimension(shapes, families[family].stem, 1, "how many channels images have");
  const input = size ?? ([channels, ...(sides ?? defaultSides({ entry, classes }))] as const);
  const options: ModelOptions = { classes, input, form, ...switches, ...given({ stemStride }) };
  const notes = note ? [note] : [];
  if (!size && !sides) {
    notes.push(`weights do not tell the input size: ${input.join("x")} is assumed`);
  }
  return { ...recognised, prefix, tensors, form, classes, input, options, notes };
}

function given({ stemStride }: Switches): Switches {
  return stemStride === undefined ? {} : { stemStride };
}
