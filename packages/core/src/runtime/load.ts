import { OnebitError, UsageError } from "../errors.js";
import { readOnebit } from "../file/read-onebit.js";
import type { TransferOptions } from "../platform/fetch.js";
import { nameOf, readSource, type Source } from "../platform/source.js";
import type { BackendChoice } from "./backends.js";
import { Model } from "./model.js";

export interface LoadOptions extends TransferOptions {
  /** Default "auto": the fastest backend that loads here; model.backendReasons says why not another. */
  readonly backend?: BackendChoice;
  /** Default 1. Backends that have one thread use one. */
  readonly threads?: number;
}

/**
 * Loads a `.onebit` file: a path (in Node), URL, Blob or bytes, which must not change afterwards.
 *
 *   const model = await load("bnext-t.onebit");
 *   const [best] = await model.classify(image);
 *
 * OnebitError: it cannot be read, is damaged, or no backend can run it. UsageError: unknown options.
 * The signal's reason where it is aborted.
 */
export async function load(source: Source, options: LoadOptions = {}): Promise<Model> {
  const { backend = "auto", threads = 1, signal } = options;
  if (!Number.isInteger(threads) || threads < 1) {
    throw new UsageError(`threads ${threads}: must be a whole number from 1`);
  }
  const bytes = await readSource(source, options);
  signal?.throwIfAborted();
  const file = await readNamed(source, bytes);
  signal?.throwIfAborted();
  return Model.create(file, backend, { threads });
}

async function readNamed(source: Source, bytes: Uint8Array) {
  try {
    return await readOnebit(bytes);
  } catch (error) {
    if (!(error instanceof OnebitError)) throw error;
    throw new OnebitError(`${nameOf(source)}: ${error.message}`, { cause: error });
  }
}
