import { OnebitError, UsageError } from "onebit";
import type { Graph, Tensor } from "onebit/graph";
import { type FloatModel, floatModelGraph } from "onebit/models";
import { type AsyncBuffer, naming } from "../readers/async-buffer.js";
import type { Checkpoint } from "../readers/checkpoint.js";
import { openCheckpoint } from "../readers/open-checkpoint.js";
import { unreadNote } from "../readers/unread.js";
import { importerOf } from "./architectures.js";
import type { Importer, NetworkOptions } from "./importer.js";
import { importers as house } from "./importers.js";
import { labelsFor } from "./labels.js";
import { leftOut } from "./left-out.js";
import { locate } from "./locate.js";
import { type Match, matchTensors } from "./match.js";
import { type ImportedMoments, isOptimiser, momentsOf } from "./moments.js";
import type { Candidate } from "./networks-in.js";
import { overridden } from "./preprocess.js";
import { eachTensor, type ReadOptions, readTensors } from "./read-tensors.js";
import { classesOf, type ImportReport, reportOf } from "./report.js";
import { checkStatedForm } from "./stated-form.js";

/** What the caller of an import knows better than the file, or wants otherwise. */
export interface ImportOptions extends NetworkOptions {
  /** One per class; when absent, the family's, ImageNet's names for 1000 classes, else numbers. */
  readonly labels?: readonly string[];
  /**
   * signs: of 1-bit weights keep only what packing needs, 1/32 of the memory; each is made again,
   * as signs, when it is asked for; weights that are not binary yet are refused. latent: keep the
   * real numbers behind them (default).
   */
  readonly weights?: "latent" | "signs";
  /** The optimiser's state is taken too, by importMoments: it is not reported as left out. */
  readonly moments?: boolean;
  /** Families of your own; they are asked before onebit's. */
  readonly importers?: readonly Importer[];
}

/** A float model, and what the import found out and assumed. */
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
 * ReActNet on ResNets, float ResNets and MobileNetV1, recognised by keys and shapes; binary networks
 * of BMXNet, which describe themselves. Tensors are read one by one. The buffer stays open: close it when done.
 *
 * OnebitError, beginning with the buffer's name, where the file is damaged, is of no known family,
 * lacks tensors or has others, or holds NaN, infinities, or binary weights that are exactly 0.
 */
export async function importCheckpoint(
  buffer: AsyncBuffer,
  options: ImportOptions = {},
): Promise<Imported> {
  return opened(buffer, options, async ({ model, report, graph, matches, read }) => {
    return { model: { ...model, tensors: await readTensors(graph, matches, read) }, report };
  });
}

/** The same for networks that would fill the memory: no tensor is kept. Weights are latent. */
export async function importStream(
  buffer: AsyncBuffer,
  options: Omit<ImportOptions, "weights"> = {},
): Promise<ImportedStream> {
  return opened(buffer, options, async ({ model, report, graph, matches, read }) => {
    return { model, report, tensors: namingAll(buffer, eachTensor(graph, matches, read)) };
  });
}

/**
 * What the optimiser of a PyTorch checkpoint had kept of the network's parameters, so that a training can go on
 * from it. OnebitError where there is none, or where it is not clear which moments are whose.
 */
export async function importMoments(
  buffer: AsyncBuffer,
  options: ImportOptions = {},
): Promise<ImportedMoments> {
  return opened(buffer, options, ({ checkpoint, place, matches }) => {
    const inFile = [...place.tensors.values()].map(({ path }) => path);
    return momentsOf(checkpoint, matches, inFile);
  });
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
  options: ImportOptions,
  read: (network: Found) => Promise<T>,
): Promise<T> {
  const importers = [...(options.importers ?? []), ...house];
  if (options.arch !== undefined) importerOf(options.arch, importers);
  const checkpoint = await openCheckpoint(buffer);
  try {
    return await read(await find(checkpoint, importers, options, sourceName(buffer)));
  } catch (error) {
    // What the caller asked for is not the file's fault.
    if (error instanceof UsageError) throw error;
    return naming(buffer, () => Promise.reject(error));
  }
}

/** The network in a file, everything but its tensors. */
interface Found extends Omit<ImportedStream, "tensors"> {
  readonly checkpoint: Checkpoint;
  readonly place: Candidate;
  readonly graph: Graph;
  readonly matches: readonly Match[];
  readonly read: ReadOptions;
}

async function find(
  checkpoint: Checkpoint,
  importers: readonly Importer[],
  options: ImportOptions,
  source: string | undefined,
): Promise<Found> {
  const { zeroWeights, weights = "latent", preprocess = {} } = options;
  const { place, importer, candidates } = locate(checkpoint, importers, options);
  const { format, metadata, description } = checkpoint;
  const stored = { format, metadata, description, tensors: place.tensors };
  const network = await importer.network(stored, options);
  checkStatedForm(checkpoint, network, options.form);
  const { architecture, notYetBinary } = network;
  const graph = floatModelGraph({ architecture });
  const left = leftOut(checkpoint, place, candidates).filter(
    ({ keys }) => !options.moments || !isOptimiser(keys),
  );
  const matches = matchTensors(graph, network.tensors, left, unreadNote(checkpoint.unread));
  const labels = labelsFor(classesOf(graph), options.labels, network.labels);
  const images = overridden(network.preprocess, preprocess);
  if (notYetBinary && weights === "signs") {
    throw new OnebitError(`${notYetBinary}. Import it as a float model instead`);
  }
  const { notes } = labels;
  const findings = { checkpoint, place, importer, left, network, graph, matches, notes };
  const report = await reportOf(findings);
  const card = { source, sha256: report.sha256 };
  return {
    model: { architecture, labels: labels.names, preprocess: images, card },
    ...{ report, checkpoint, place, graph, matches },
    read: { binary: report.binary, zeroWeights, weights },
  };
}

/** The last part of a path or address: where a file lay is nobody else's business. */
function sourceName({ name }: AsyncBuffer): string | undefined {
  return name?.split(/[/\\]/).at(-1);
}
