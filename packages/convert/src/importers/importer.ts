import type { Preprocess } from "onebit/image";
import type { Architecture, Form, Switches } from "onebit/models";
import type { CheckpointFormat, Description, MetadataValue } from "../readers/checkpoint.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import type { TemperatureReport } from "./bnext/temperature.js";
import type { Labels } from "./labels.js";
import type { InputSize, PreprocessOverrides } from "./preprocess.js";

/**
 * How networks of one family are told and read. A family is one file or folder, which holds everything
 * that is its own: keys, their meaning, labels, preparation of images; and a line in importers.ts.
 */
export interface Importer {
  /** Its name in reports. Architectures of that family in the catalogue of models are its own. */
  readonly family: string;
  /** Whether a network of the family lies here. Asked of every dict and module, the outermost first. */
  readonly recognises: (place: Place) => boolean;
  /** Keys of its modules: what else lies there is left out, and said to be. Default: every key. */
  readonly owns?: (key: string) => boolean;
  /** Of the options about networks, those that it has a use for; default: all. Others are refused. */
  readonly takes?: readonly NetworkOption[];
  /**
   * The network, every tensor under the graph's key. Whether the graph has them all, in these shapes,
   * is checked afterwards, and values are: finite, variances not negative, 1-bit weights not 0.
   */
  readonly network: (stored: StoredNetwork, options: NetworkOptions) => Promise<FoundNetwork>;
}

/** Tensors by key, from one dict or module of a checkpoint on. */
export interface Place {
  readonly format: CheckpointFormat;
  /** Without what PyTorch's wrappers add ("module."). */
  readonly tensors: ReadonlyMap<string, TensorEntry>;
}

/** What an importer makes a network of: its own tensors, and plain values of the whole file. */
export interface StoredNetwork extends Place {
  readonly metadata: ReadonlyMap<string, MetadataValue>;
  /** What the file says of the network, in formats that hold more than tensors. */
  readonly description?: Description;
}

/** What the caller may know better than keys and shapes. */
export interface NetworkOptions {
  /** Name of the architecture, where keys and shapes should not decide. */
  readonly arch?: string;
  /** BNext, ReActNet-A: the weights do not tell. Default: 2 for ReActNet or 1000 classes, else 1. */
  readonly stemStride?: 1 | 2;
  readonly form?: Form;
  /** BNext: bits of stem, gates, classifier (and BNext-18's shortcuts), such as "8-4-8". */
  readonly quantised?: string;
  /** What exactly zero binary weights count as; default: they are an error. */
  readonly zeroWeights?: 1 | -1;
  /**
   * Dicts and modules around the network, where a file holds several: ["state_dict", "student"],
   * ["state_dict.student"] or ["student"].
   */
  readonly wrapper?: readonly string[];
  /** Channels, height, width: the weights tell only the channels. */
  readonly input?: InputSize;
  readonly preprocess?: PreprocessOverrides;
  /** MXNet: gives the text of the `-symbol.json`, which describes the network; see symbolOf. */
  readonly symbol?: () => Promise<string>;
}

/** Options that mean something to some families only. */
export const networkOptions = [
  "arch",
  "stemStride",
  "form",
  "quantised",
  "wrapper",
  "zeroWeights",
] as const satisfies readonly (keyof NetworkOptions)[];
/** The name of an option that means something to some families only. */
export type NetworkOption = (typeof networkOptions)[number];

/** A tensor as the graph wants it. */
export interface NetworkTensor extends TensorEntry {
  /** As the file has it, where reading converts it. */
  readonly stored?: TensorEntry;
}

/** A network found in a file. Classes and size of the input are its graph's. */
export interface FoundNetwork {
  /** How its graph is built: an architecture of the catalogue by name, or a graph. */
  readonly architecture: Architecture;
  /** By the graph's key. */
  readonly tensors: ReadonlyMap<string, NetworkTensor>;
  /** Tensors of the network which nothing reads and the graph does not have; reported as dead. */
  readonly unused?: ReadonlyMap<string, TensorEntry>;
  readonly form: Form;
  /** In the binary form: why weights are not signs yet, if they are not. */
  readonly notYetBinary?: string;
  readonly temperature?: TemperatureReport;
  /** What is not the architecture's default. */
  readonly switches?: Switches;
  /** Channels of its blocks or stages. Default: of its 1-bit convolutions. */
  readonly widths?: readonly number[];
  /** Its classes' names where the family says; default: ImageNet's for its number of classes, or numbers. */
  readonly labels?: Labels;
  /** How the family prepares images; what the caller says differently is applied afterwards. */
  readonly preprocess: Preprocess;
  /** What was assumed or is not as usual, a sentence each. */
  readonly notes: readonly string[];
}
