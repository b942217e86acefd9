import { type Graph, type TensorKind, typesOf } from "onebit/graph";
import type { Form, Switches } from "onebit/models";
import type { Checkpoint, CheckpointFormat } from "../readers/checkpoint.js";
import type { DType } from "../readers/dtype.js";
import { unreadNote } from "../readers/unread.js";
import type { TemperatureReport } from "./bnext/temperature.js";
import type { FoundNetwork, Importer } from "./importer.js";
import { type LeftOut, leftOutNote } from "./left-out.js";
import type { Match } from "./match.js";
import type { Candidate } from "./networks-in.js";
import type { InputSize } from "./preprocess.js";

/**
 * used: a weight or a statistic of the network. dead: the official module stores it and never runs
 * it. counter: batches seen. mirror: a temperature.
 */
export type Fate = "used" | "dead" | "counter" | "mirror";

/** What became of one tensor of the file. */
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
  /** Name of the importer, such as "bnext", "reactnet-resnet", "resnet-cifar". */
  readonly family: string;
  /** Name in the catalogue; the family's for a network that describes itself. */
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
  readonly importer: Importer;
  readonly left: readonly LeftOut[];
  readonly network: FoundNetwork;
  readonly graph: Graph;
  readonly matches: readonly Match[];
  /** Of what was assumed elsewhere. */
  readonly notes: readonly string[];
}

export async function reportOf(found: Findings): Promise<ImportReport> {
  const { checkpoint, place, importer, left, network, graph, matches } = found;
  const { family } = importer;
  const { architecture, unused = new Map(), switches = {}, form, temperature } = network;
  const stored = matches.filter(({ absent }) => !absent);
  const known = stored.map(({ key, spec, entry }): TensorReport => {
    const { shape, dtype } = entry.stored ?? entry;
    return { key, fate: fateOf(spec.kind), shape, dtype };
  });
  const dead = [...unused].map(([key, { shape, dtype }]): TensorReport => {
    return { key, fate: "dead", shape, dtype };
  });
  const tensors = [...known, ...dead];
  return {
    ...{
      format: checkpoint.format,
      sha256: await checkpoint.sha256(),
      wrapper: place.wrapper,
      prefix: place.prefix,
    },
    ...{ family, arch: "name" in architecture ? architecture.name : family, switches },
    ...{ classes: classesOf(graph), input: inputOf(graph) },
    ...{ widths: network.widths ?? widthsOf(graph), form, binary: isBinary(network), temperature },
    tensors,
    ignored: tensors.filter(({ fate }) => fate === "dead").map(({ key }) => key),
    outside: left.reduce((sum, group) => sum + group.tensors, 0),
    leftOut: left,
    notes: notesOf(found),
  };
}

const fateOf = (kind: TensorKind): Fate =>
  kind === "parameter" || kind === "buffer" ? "used" : kind;

export const isBinary = ({ form, notYetBinary }: FoundNetwork): boolean =>
  form === "binary" && notYetBinary === undefined;

export function classesOf(graph: Graph): number {
  return typesOf(graph).get(graph.outputs.logits)!.shape[1];
}

function inputOf(graph: Graph): InputSize {
  const [, channels, height, width] = graph.inputs.find(({ name }) => name === "x")!.shape;
  return [channels, height, width];
}

/** Of the 1-bit convolutions, a number for every stage. */
function widthsOf(graph: Graph): number[] {
  const binary = Object.values(graph.tensors).filter(({ role }) => role === "binary");
  const outs = binary.map(({ shape }) => shape[0]);
  return outs.filter((width, i) => width !== outs[i - 1]);
}

function notesOf({ checkpoint, network, matches, left, notes: others }: Findings): string[] {
  const notes = [...network.notes, ...others];
  const unread = unreadNote(checkpoint.unread);
  if (unread) notes.push(unread);
  const absent = matches.filter((match) => match.absent).length;
  if (absent > 0) {
    notes.push(
      `${absent} counters of batches (num_batches_tracked) are not there and become 0: nothing but training reads them`,
    );
  }
  const beside = leftOutNote(left);
  if (beside) notes.push(beside);
  if (network.form !== "binary") notes.push("its weights are real numbers, not 1-bit");
  if (network.notYetBinary) notes.push(network.notYetBinary);
  return notes;
}
