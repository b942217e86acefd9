import { OnebitError, UsageError } from "onebit";
import type { Tensor } from "onebit/graph";
import { buildModel, type FloatModel } from "onebit/models";
import { type AsyncBuffer, naming } from "../readers/async-buffer.js";
import type { Checkpoint } from "../readers/checkpoint.js";
import { openCheckpoint } from "../readers/open-checkpoint.js";
import { unreadNote } from "../readers/unread.js";
import { importBmxnet } from "./bmxnet.js";
import { labelsFor } from "./labels.js";
import { leftOut } from "./left-out.js";
import { locate } from "./locate.js";
import { matchTensors } from "./match.js";
import { findNetwork, type NetworkOptions } from "./network.js";
import { type PreprocessOverrides, preprocessFor } from "./preprocess.js";
import { eachTensor, readTensors } from "./read-tensors.js";
import { importable } from "./recognise.js";
import { type ImportReport, reportOf } from "./report.js";
import { isBinary, notYetBinary, readTemperature } from "./temperature.js";

export interface ImportOptions extends NetworkOptions {
  /** One per class; when absent, ImageNet's names for 1000 classes, else numbers. */
  readonly labels?: readonly string[];
  readonly preprocess?: PreprocessOverrides;
  /** What exactly zero binary weights count as; default: they are an error. */
  readonly zeroWeights?: 1 | -1;
  /**
   * Dicts and modules around the network, where a file holds several: ["state_dict", "student"],
   * ["state_dict.student"] or ["student"].
   */
  readonly wrapper?: readonly string[];
  /**
   * signs: of 1-bit weights keep only what packing needs, 1/32 of the memory; each is made again,
   * as signs, when it is asked for; weights that are not binary yet are refused. latent: keep the
   * real numbers behind them (default).
   */
  readonly weights?: "latent" | "signs";
  /** MXNet: gives the text of the `-symbol.json`, which describes the network; see symbolOf. */
  readonly symbol?: () => Promise<string>;
}

export interface Imported {
  readonly model: FloatModel;
  readonly report: ImportReport;
}

/** A float model whose tensors are read when they are asked for. */
export interface ImportedStream {
  readonly model: Omit<FloatModel, "tensors">;
  readonly report: ImportReport;
  /** In the order of the graph; each once. Errors as importCheckpoint has them may still come. */
  readonly tensors: AsyncGenerator<readonly [key: string, Tensor]>;
}

/**
 * A published checkpoint as a float model: BNext T, S, M, L or of any widths, BNext-18, ReActNet-A,
 * ReActNet on ResNets, recognised by keys and shapes; binary networks of BMXNet, which describe
 * themselves. Tensors are read one by one. The buffer stays open: close it when done.
 *
 * OnebitError, beginning with the buffer's name, where the file is damaged, is of no known family,
 * lacks tensors or has others, or holds NaN, infinities, or binary weights that are exactly 0.
 */
export async function importCheckpoint(
  buffer: AsyncBuffer,
  options: ImportOptions = {},
): Promise<Imported> {
  return opened(buffer, options, async (checkpoint, source) => {
    if (checkpoint.format === "mxnet-params") return importBmxnet(checkpoint, options, source);
    const { model, report, graph, matches, read } = await found(checkpoint, options, source);
    return { model: { ...model, tensors: await readTensors(graph, matches, read) }, report };
  });
}

/** The same for networks that would fill the memory: no tensor is kept. Weights are latent. */
export async function importStream(
  buffer: AsyncBuffer,
  options: Omit<ImportOptions, "weights"> = {},
): Promise<ImportedStream> {
  return opened(buffer, options, async (checkpoint, source) => {
    if (checkpoint.format === "mxnet-params") {
      const { model, report } = await importBmxnet(checkpoint, options, source);
      const { tensors, ...about } = model;
      return { model: about, report, tensors: each(tensors) };
    }
    const { model, report, graph, matches, read } = await found(checkpoint, options, source);
    return { model, report, tensors: namingAll(buffer, eachTensor(graph, matches, read)) };
  });
}

async function* each(tensors: FloatModel["tensors"]) {
  for (const entry of Object.entries(tensors)) yield entry;
}

async function* namingAll<T>(buffer: AsyncBuffer, items: AsyncGenerator<T>): AsyncGenerator<T> {
  try {
    yield* items;
  } catch (error) {
    await naming(buffer, () => Promise.reject(error));
  }
}

async function opened<T>(
  buffer: AsyncBuffer,
  { arch }: ImportOptions,
  read: (checkpoint: Checkpoint, source: string | undefined) => Promise<T>,
): Promise<T> {
  if (arch !== undefined) importable(arch);
  const checkpoint = await openCheckpoint(buffer);
  try {
    return await read(checkpoint, sourceName(buffer));
  } catch (error) {
    // What the caller asked for is not the file's fault.
    if (error instanceof UsageError) throw error;
    return naming(buffer, () => Promise.reject(error));
  }
}

/** The network in a file, everything but its tensors. */
async function found(
  checkpoint: Checkpoint,
  { zeroWeights, weights = "latent", labels, preprocess = {}, wrapper, ...told }: ImportOptions,
  source: string | undefined,
) {
  const { place, candidates } = locate(checkpoint, told.arch, wrapper?.join("."));
  const network = await findNetwork(place, checkpoint.metadata, told, preprocess.size);
  const { arch, options, classes, form } = network;
  const graph = buildModel(arch, options);
  const left = leftOut(checkpoint, place, candidates);
  const matches = matchTensors(graph, network.tensors, left, unreadNote(checkpoint.unread));
  const temperature = await readTemperature(graph, matches);
  const { names, notes } = labelsFor(classes, labels);
  const about = {
    architecture: { name: arch, options },
    labels: names,
    preprocess: preprocessFor(network, preprocess),
  };
  const binary = isBinary(form, temperature);
  if (temperature && !binary && weights === "signs") {
    throw new OnebitError(`${notYetBinary(temperature)}. Import it as a float model instead`);
  }
  const report = await reportOf({
    checkpoint,
    place,
    left,
    network,
    graph,
    matches,
    temperature,
    notes,
  });
  const card = { source, sha256: report.sha256 };
  const read = { binary, zeroWeights, weights, temperature };
  return { model: { ...about, card }, report, graph, matches, read };
}

/** The last part of a path or address: where a file lay is nobody else's business. */
function sourceName({ name }: AsyncBuffer): string | undefined {
  return name?.split(/[/\\]/).at(-1);
}
