import { OnebitError, UsageError } from "../errors.js";
import { explain } from "../file/explain.js";
import type { OnebitFile } from "../file/onebit-file.js";
import { openOnebit } from "../file/read-onebit.js";
import { nameOf, readSource, type Source } from "../platform/source.js";
import type { MapType } from "../program/types.js";
import { beginLoading } from "./backends.js";
import { BudgetError } from "./budget.js";
import { checkLoadOptions, type LoadOptions } from "./load-options.js";
import { Model } from "./model.js";

/**
 * Loads a `.onebit` file: a path (in Node), URL, Blob or bytes, which must not change afterwards. No
 * more is read than the file's own header says that there is, nor waited for longer than `timeout`.
 *
 *   const model = await load("bnext-t.onebit");
 *   const [best] = await model.classify(image);
 *
 * OnebitError: it cannot be read, is damaged, or no backend can run it; BudgetError, which is one: it
 * needs more than it may take. UsageError: unknown options, or values that they cannot have. The signal's
 * reason where it is aborted.
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  checkLoadOptions(options);
  const { backend = "auto", threads = 1, signal } = options;
  beginLoading(backend, { threads });
  const bytes = await readSource(source, options).catch(async (error) => {
    throw await explain(error, nameOf(source));
  });
  signal?.throwIfAborted();
  const { file, intact } = await named(source, () => openOnebit(bytes)).catch(async (error) => {
    throw await explain(error, nameOf(source), bytes);
  });
  signal?.throwIfAborted();
  const making = create(source, file, options);
  const checking = named(source, () => intact);
  const model = await onceIntact(making, checking);
  if (signal?.aborted) model.dispose();
  signal?.throwIfAborted();
  return model;
}

async function create(
  source: Source,
  file: OnebitFile,
  { backend = "auto", threads = 1, input, maps, budget = {} }: LoadOptions,
): Promise<Model> {
  const sized = input ? await named(source, () => fileAtSize(file, input)) : file;
  const whole = maps ? await fileWithMaps(sized, maps) : sized;
  return named(source, () => Model.create(whole, backend, { threads, budget }));
}

/** The model, which nobody gets to see where its file is damaged. */
async function onceIntact(making: Promise<Model>, intact: Promise<void>): Promise<Model> {
  const [made, checked] = await Promise.allSettled([making, intact]);
  if (checked.status === "rejected") {
    if (made.status === "fulfilled") made.value.dispose();
    throw checked.reason;
  }
  if (made.status === "rejected") throw made.reason;
  return made.value;
}

async function fileAtSize(file: OnebitFile, size: readonly [number, number]): Promise<OnebitFile> {
  const { atInputSize } = await import("../program/resize.js");
  const { preprocessAt } = await import("../image/preprocess-at.js");
  const program = atInputSize(file.program, file.tensors, size);
  const { preprocess } = file;
  return { ...file, program, preprocess: preprocess && preprocessAt(preprocess, size) };
}

async function fileWithMaps(file: OnebitFile, maps: MapType): Promise<OnebitFile> {
  const { withMaps } = await import("../program/narrow-maps.js");
  return { ...file, program: withMaps(file.program, maps) };
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
