import type { Graph, TensorSpec } from "onebit/graph";
import type { Form, Switches } from "onebit/models";
import type { Checkpoint, CheckpointFormat } from "../readers/checkpoint.js";
import type { DType } from "../readers/dtype.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { unreadNote } from "../readers/unread.js";
import type { ImportableFamily } from "./families.js";
import { type LeftOut, leftOutNote } from "./left-out.js";
import type { Match } from "./match.js";
import type { FoundNetwork } from "./network.js";
import type { Candidate } from "./networks-in.js";
import type { InputSize } from "./preprocess.js";
import { isBinary, notYetBinary, type TemperatureReport } from "./temperature.js";

/**
 * used: a weight or a statistic of the network. dead: the official module stores it and never runs
 * it. counter: batches seen. mirror: a temperature.
 */
export type Fate = "used" | "dead" | "counter" | "mirror";

export interface TensorReport {
  /** As in the file, without the prefix. */
  readonly key: string;
  readonly fate: Fate;
  readonly shape: readonly number[];
  readonly dtype: DType;
}

/** What was recognised, what became of every tensor, and what had to be assumed. */
export interface ImportReport {
  readonly format: CheckpointFormat;
  /** SHA-256 of the whole file. */
  readonly sha256: string;
  /** Dicts around the tensors: ["state_dict"], or none. */
  readonly wrapper: readonly string[];
  /** What stood before every key: "module.", or nothing. */
  readonly prefix: string;
  readonly family: ImportableFamily | "bmxnet";
  /** Name in the catalogue; "bmxnet" for a network that its own symbol describes. */
  readonly arch: string;
  /** What differs from that entry. */
  readonly switches: Switches;
  readonly classes: number;
  readonly input: InputSize;
  /** Channels of the stem and of every block; in ResNet-like networks, of the stages. */
  readonly widths: readonly number[];
  readonly form: Form;
  /** Whether weights are 1-bit; without it the network is a float model. */
  readonly binary: boolean;
  /** BNext only. */
  readonly temperature?: TemperatureReport;
  readonly tensors: readonly TensorReport[];
  /** Keys of the dead tensors. */
  readonly ignored: readonly string[];
  /** Tensors outside of the network, such as an optimiser's: how many, and where. */
  readonly outside: number;
  readonly leftOut: readonly LeftOut[];
  /** What was assumed or is not as usual, a sentence each. */
  readonly notes: readonly string[];
}

export interface Findings {
  readonly checkpoint: Checkpoint;
  readonly place: Pick<Candidate, "wrapper" | "prefix">;
  readonly left: readonly LeftOut[];
  readonly network: FoundNetwork;
  readonly graph: Graph;
  readonly matches: readonly Match[];
  readonly temperature?: TemperatureReport;
  /** Of what was assumed elsewhere. */
  readonly notes: readonly string[];
}

export async function reportOf(found: Findings): Promise<ImportReport> {
  const { checkpoint, place, left, network, matches, temperature } = found;
  const { family, arch, switches, classes, input, form } = network;
  const unused = [...network.quantisers].map(([key, { shape, dtype }]): TensorReport => {
    return { key, fate: "dead", shape, dtype };
  });
  const stored = matches.filter(({ absent }) => !absent);
  const known = stored.map(({ key, spec, entry }) => tensorReport(key, spec, entry));
  const tensors = [...known, ...unused];
  return {
    ...{
      format: checkpoint.format,
      sha256: await checkpoint.sha256(),
      wrapper: place.wrapper,
      prefix: place.prefix,
    },
    ...{ family, arch, switches, classes, input, widths: widthsOf(network), form },
    binary: isBinary(form, temperature),
    temperature,
    tensors,
    ignored: tensors.filter(({ fate }) => fate === "dead").map(({ key }) => key),
    outside: left.reduce((sum, group) => sum + group.tensors, 0),
    leftOut: left,
    notes: notesOf(found),
  };
}

/** What became of a tensor of the file. */
export function tensorReport(
  key: string,
  { kind }: TensorSpec,
  { shape, dtype }: TensorEntry,
): TensorReport {
  const isUsed = kind === "parameter" || kind === "buffer";
  return { key, fate: isUsed ? "used" : (kind as Fate), shape, dtype };
}

function widthsOf({ entry, options, switches }: FoundNetwork): readonly number[] {
  const {
    widths,
    width = 64,
    depths = [2, 2, 2, 2],
  } = { ...options, ...entry.defaults, ...switches };
  return widths ?? depths.map((_, stage) => width * 2 ** stage);
}

function notesOf(found: Findings): string[] {
  const { checkpoint, network, graph, matches, left, temperature } = found;
  const notes = [...network.notes, ...found.notes];
  const unread = unreadNote(checkpoint.unread);
  if (unread) notes.push(unread);
  const stem = graph.nodes.find(({ name }) => name === "feature.0.conv1");
  if (stem && network.options.stemStride === undefined) {
    const [stride] = stem.attrs.stride as readonly number[];
    notes.push(`weights do not tell the stride of the stem: ${stride} is assumed`);
  }
  const absent = matches.filter((match) => match.absent).length;
  if (absent > 0) {
    notes.push(
      `${absent} counters of batches (num_batches_tracked) are not there and become 0: nothing but training reads them`,
    );
  }
  const beside = leftOutNote(left);
  if (beside) notes.push(beside);
  if (network.form !== "binary") notes.push("its weights are real numbers, not 1-bit");
  if (temperature && !isBinary("binary", temperature)) notes.push(notYetBinary(temperature));
  return notes;
}
