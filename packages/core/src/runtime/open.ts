import { OnebitError, UsageError } from "../errors.js";
import { explain } from "../file/explain.js";
import type { OnebitFile } from "../file/onebit-file.js";
import { openOnebit } from "../file/read-onebit.js";
import { preprocessAt } from "../image/preprocess-at.js";
import type { Assets, BlobLike, SignalLike } from "../platform/web-types.js";
import type { MapType, Program, ProgramTensors } from "../program/types.js";
import type { BackendChoice } from "./backends.js";
import { type Budget, BudgetError } from "./budget.js";
import { checkClassifies, type ImageFacts, LOGITS } from "./classifier.js";
import { ProgramModel } from "./program-model.js";

/** A file in memory, or one that is yet to be read, and what to call it in errors. */
export interface NamedBytes {
  readonly name: string;
  readonly bytes: Uint8Array | BlobLike;
}

/** How a model is made of a file: of LoadOptions, what is not about getting at the file. */
export interface OpenOptions {
  readonly backend?: BackendChoice;
  readonly threads?: number;
  readonly input?: Size;
  readonly maps?: MapType;
  readonly budget?: Budget;
  readonly assets?: Assets;
  readonly signal?: SignalLike;
  /** Why this is not done in a worker, where it should have been. */
  readonly workerReason?: string;
}

/** A model, and what its file says of images. */
export interface Opened {
  readonly model: ProgramModel;
  readonly facts: ImageFacts;
}

/**
 * The model in a file, which nobody gets to see where the file is damaged. classifies: it must, and run() gives
 * its logits where it is not asked for certain outputs; else all outputs.
 */
export async function openModel(
  { name, bytes: given }: NamedBytes,
  options: OpenOptions,
  classifies: boolean,
): Promise<Opened> {
  const { signal } = options;
  signal?.throwIfAborted();
  const bytes = await named(name, () => read(given));
  const { file, intact } = await named(name, () => openOnebit(bytes)).catch(async (error) => {
    throw await explain(error, name, bytes);
  });
  signal?.throwIfAborted();
  const making = named(name, () => make(file, options, classifies));
  const checking = named(name, () => intact);
  const opened = await onceIntact(making, checking);
  if (signal?.aborted) opened.model.dispose();
  signal?.throwIfAborted();
  return opened;
}

async function read(bytes: Uint8Array | BlobLike): Promise<Uint8Array> {
  if (bytes instanceof Uint8Array) return bytes;
  try {
    return new Uint8Array(await bytes.arrayBuffer());
  } catch (cause) {
    throw new OnebitError(`cannot be read: ${(cause as Error).message}`, { cause });
  }
}

async function make(file: OnebitFile, options: OpenOptions, classifies: boolean): Promise<Opened> {
  const { backend = "auto", threads = 1, input, maps, budget = {} } = options;
  const { assets, workerReason } = options;
  if (classifies) checkClassifies(file.program);
  const { tensors, card } = file;
  const sized = input ? await programAtSize(file.program, tensors, input) : file.program;
  const program = maps ? await programWithMaps(sized, maps) : sized;
  const outputs = classifies ? [LOGITS] : undefined;
  const model = await ProgramModel.create({ program, tensors, card }, backend, {
    ...{ threads, budget, assets, outputs, workerReason },
  });
  return { model, facts: input ? factsAtSize(file, input) : factsOf(file) };
}

async function onceIntact(making: Promise<Opened>, intact: Promise<void>): Promise<Opened> {
  const [made, checked] = await Promise.allSettled([making, intact]);
  if (checked.status === "rejected") {
    if (made.status === "fulfilled") made.value.model.dispose();
    throw checked.reason;
  }
  if (made.status === "rejected") throw made.reason;
  return made.value;
}

type Size = readonly [height: number, width: number];

async function programAtSize(program: Program, tensors: ProgramTensors, size: Size) {
  const { atInputSize } = await import("../program/passes/on-request.js");
  return atInputSize(program, tensors, size);
}

async function programWithMaps(program: Program, maps: MapType): Promise<Program> {
  const { withMaps } = await import("../program/passes/on-request.js");
  return withMaps(program, maps);
}

const factsOf = ({ labels, preprocess }: OnebitFile): ImageFacts => ({ labels, preprocess });

function factsAtSize({ labels, preprocess }: OnebitFile, size: Size): ImageFacts {
  return { labels, preprocess: preprocess && preprocessAt(preprocess, size) };
}

/** Says which file an error is about. */
async function named<T>(name: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnebitError) || error instanceof UsageError) throw error;
    const Kind = error instanceof BudgetError ? BudgetError : OnebitError;
    throw new Kind(`${name}: ${error.message}`, { cause: error });
  }
}
