import { OnebitError, UsageError } from "../errors.js";
import { explain } from "../file/explain.js";
import type { OnebitFile } from "../file/onebit-file.js";
import { openOnebit } from "../file/read-onebit.js";
import { preprocessAt } from "../image/preprocess-at.js";
import { nameOf, readSource, type Source } from "../platform/source.js";
import type { MapType, Program, ProgramTensors } from "../program/types.js";
import { beginLoading } from "./backends.js";
import { BudgetError } from "./budget.js";
import {
  type Classifier,
  checkClassifies,
  ImageClassifier,
  type ImageFacts,
  LOGITS,
} from "./classifier.js";
import { checkLoadOptions, type LoadOptions } from "./load-options.js";
import type { Model } from "./model.js";
import { ProgramModel } from "./program-model.js";

/**
 * Loads the classifier in a `.onebit` file: a path (in Node), URL, Blob or bytes, which must not change
 * afterwards. No more is read than the file's own header says that there is, nor waited for longer than
 * `timeout`.
 *
 *   const model = await load("bnext-t.onebit");
 *   const [best] = await model.classify(image);
 *
 * OnebitError: it cannot be read, is damaged, has no output "logits", or no backend can run it;
 * BudgetError, which is one: it needs more than it may take. UsageError: unknown options, or values that
 * they cannot have. The signal's reason where it is aborted.
 */
export function load(source: Source, options: LoadOptions = {}): Promise<Classifier> {
  return open("load", source, options, classifierOf);
}

/**
 * Loads whatever program a `.onebit` file holds, a classifier or not: see load().
 *
 *   const model = await loadModel("encoder.onebit");
 *   const { embedding } = await model.run({ x: { shape: [1, 3, 64, 64], data } });
 */
export function loadModel(source: Source, options: LoadOptions = {}): Promise<Model> {
  return open("loadModel", source, options, modelOf);
}

type Making<M extends Model> = (file: OnebitFile, options: LoadOptions) => Promise<M>;

async function open<M extends Model>(
  call: string,
  source: Source,
  options: LoadOptions,
  make: Making<M>,
): Promise<M> {
  checkLoadOptions(call, options);
  const { backend = "auto", threads = 1, assets, signal } = options;
  beginLoading(backend, { threads, assets });
  const bytes = await readSource(source, options).catch(async (error) => {
    throw await explain(error, nameOf(source));
  });
  signal?.throwIfAborted();
  const { file, intact } = await named(source, () => openOnebit(bytes)).catch(async (error) => {
    throw await explain(error, nameOf(source), bytes);
  });
  signal?.throwIfAborted();
  const making = named(source, () => make(file, options));
  const checking = named(source, () => intact);
  const model = await onceIntact(making, checking);
  if (signal?.aborted) model.dispose();
  signal?.throwIfAborted();
  return model;
}

async function classifierOf(file: OnebitFile, options: LoadOptions): Promise<Classifier> {
  checkClassifies(file.program);
  const facts = options.input ? factsAtSize(file, options.input) : file;
  return new ImageClassifier(await modelOf(file, options, [LOGITS]), facts);
}

/** outputs: what run() computes where it is not asked for certain ones; all, if they are not given. */
async function modelOf(
  { program, tensors, card }: OnebitFile,
  { backend = "auto", threads = 1, input, maps, budget = {}, assets }: LoadOptions,
  outputs?: readonly string[],
): Promise<Model> {
  const sized = input ? await programAtSize(program, tensors, input) : program;
  const whole = maps ? await programWithMaps(sized, maps) : sized;
  return ProgramModel.create({ program: whole, tensors, card }, backend, {
    ...{ threads, budget, assets, outputs },
  });
}

/** The model, which nobody gets to see where its file is damaged. */
async function onceIntact<M extends Model>(making: Promise<M>, intact: Promise<void>): Promise<M> {
  const [made, checked] = await Promise.allSettled([making, intact]);
  if (checked.status === "rejected") {
    if (made.status === "fulfilled") made.value.dispose();
    throw checked.reason;
  }
  if (made.status === "rejected") throw made.reason;
  return made.value;
}

type Size = readonly [height: number, width: number];

async function programAtSize(program: Program, tensors: ProgramTensors, size: Size) {
  const { atInputSize } = await import("../program/passes/resize.js");
  return atInputSize(program, tensors, size);
}

async function programWithMaps(program: Program, maps: MapType): Promise<Program> {
  const { withMaps } = await import("../program/passes/narrow-maps.js");
  return withMaps(program, maps);
}

function factsAtSize({ labels, preprocess }: OnebitFile, size: Size): ImageFacts {
  return { labels, preprocess: preprocess && preprocessAt(preprocess, size) };
}

/** Says which file an error is about. */
async function named<T>(source: Source, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof OnebitError) || error instanceof UsageError) throw error;
    const Kind = error instanceof BudgetError ? BudgetError : OnebitError;
    throw new Kind(`${nameOf(source)}: ${error.message}`, { cause: error });
  }
}
