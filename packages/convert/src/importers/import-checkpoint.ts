import { OnebitError, UsageError } from "onebit";
import type { Graph } from "onebit/graph";
import { buildModel, type FloatModel, type Form, type ModelOptions, type Switches } from "onebit/models";
import { type AsyncBuffer, naming } from "../readers/async-buffer.js";
import type { Checkpoint } from "../readers/checkpoint.js";
import { openCheckpoint } from "../readers/open-checkpoint.js";
import { stateDict } from "../readers/state-dict.js";
import type { TensorEntry } from "../readers/tensor-entry.js";
import { dimension, families, type Shapes } from "./families.js";
import { type FoundForm, findForm } from "./form.js";
import { type Match, matchTensors } from "./match.js";
import { defaultSides, type InputSize, type PreprocessOverrides, preprocessFor } from "./preprocess.js";
import { readTensors } from "./read-tensors.js";
import { importable, type Recognised, recognise, withoutPrefix } from "./recognise.js";
import type { Fate, ImportReport } from "./report.js";
import { readTemperature, type TemperatureReport } from "./temperature.js";

export interface ImportOptions {
  /** Name of the architecture, where keys and shapes should not decide. */
  readonly arch?: string;
  /** BNext and ReActNet-A: the weights do not tell. Default: 2 for ReActNet or 1000 classes, else 1. */
  readonly stemStride?: 1 | 2;
  readonly form?: Form;
  /** Channels, height, width: the weights tell only the channels. */
  readonly input?: InputSize;
  readonly labels?: readonly string[];
  readonly preprocess?: PreprocessOverrides;
  /** What exactly zero binary weights count as; default: they are an error. */
  readonly zeroWeights?: 1 | -1;
  /** Dicts around the network's tensors, where their names do not tell. */
  readonly wrapper?: readonly string[];
  /**
   * signs: of 1-bit weights keep only what packing needs, 1/32 of the memory; each is made again,
   * as signs, when it is asked for. latent: keep the real numbers behind them (default).
   */
  readonly weights?: "latent" | "signs";
}

export interface Imported {
  readonly model: FloatModel;
  readonly report: ImportReport;
}

/**
 * A published checkpoint as a float model: BNext T, S, M, L or of any widths, BNext-18, ReActNet-A,
 * ReActNet on ResNets, recognised by keys and shapes. Tensors are read one by one.
 *
 * OnebitError, beginning with the buffer's name, where the file is damaged, is of no known family,
 * lacks tensors or has others, holds NaN, infinities, or binary weights that are exactly 0.
 */
export async function importCheckpoint(
  buffer: AsyncBuffer,
  options: ImportOptions = {},
): Promise<Imported> {
  checkOptions(options);
  const checkpoint = await openCheckpoint(buffer);
  return inFile(buffer, async () => {
    const network = await open(checkpoint, options);
    const graph = buildModel(network.arch, network.options);
    const matches = matchTensors(graph, network.tensors);
    const temperature = await readTemperature(graph, matches);
    const binary =
      network.form === "binary" && !(temperature && temperature.value >= temperature.threshold);
    const { zeroWeights, weights = "latent" } = options;
    const read = { binary, zeroWeights, weights, temperature };
    const tensors = await readTensors(graph, matches, read);
    const report = await reportOf(checkpoint, { ...network, matches, temperature, binary });
    const model: FloatModel = {
      architecture: { name: network.arch, options: network.options },
      tensors,
      labels: labelsFor(network.classes, options.labels),
      preprocess: preprocessFor(network, options.preprocess ?? {}),
      card: cardOf(buffer, report),
    };
    return { model, report: { ...report, notes: [...report.notes, ...]} };
  });
}
