import type { Arrived, Caching } from "../cache/cached-source.js";
import { OnebitError } from "../errors.js";
import { explain } from "../file/explain.js";
import { nameOf, readSource, type Source, urlOf } from "../platform/source.js";
import { beginLoading } from "./backends.js";
import { type Classifier, ImageClassifier, type ImageFacts } from "./classifier.js";
import { checkLoadOptions, type LoadOptions } from "./load-options.js";
import type { Model } from "./model.js";
import { type NamedBytes, type OpenOptions, openModel } from "./open.js";
import { imagesRunner, type RunImages } from "./run-images.js";

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
export async function load(source: Source, options: LoadOptions = {}): Promise<Classifier> {
  const { model, facts, runImages } = await open("load", source, options, true);
  return new ImageClassifier(model, facts, runImages);
}

/**
 * Loads whatever program a `.onebit` file holds, a classifier or not: see load().
 *
 *   const model = await loadModel("encoder.onebit");
 *   const { embedding } = await model.run({ x: { shape: [1, 3, 64, 64], data } });
 */
export async function loadModel(source: Source, options: LoadOptions = {}): Promise<Model> {
  return (await open("loadModel", source, options, false)).model;
}

/** A model, wherever it runs, and how it runs on images. */
export interface Loaded {
  readonly model: Model;
  readonly facts: ImageFacts;
  readonly runImages: RunImages;
}

async function open(
  call: string,
  source: Source,
  options: LoadOptions,
  classifies: boolean,
): Promise<Loaded> {
  checkLoadOptions(call, options);
  const making = maker(options, classifies);
  // Failures are told below.
  making.catch(() => {});
  try {
    return await loaded(source, options, making);
  } finally {
    (await making.catch(() => undefined))?.done?.();
  }
}

async function loaded(
  source: Source,
  options: LoadOptions,
  making: Promise<Maker>,
): Promise<Loaded> {
  const name = nameOf(source);
  const arrived = await arrive(source, options);
  const { make } = await making;
  const loaded = await make({ name, bytes: arrived.bytes }).catch(async (error: unknown) => {
    if (!arrived.drop || !(error instanceof OnebitError)) throw error;
    // What was kept may be at fault: what the server has decides.
    await arrived.drop();
    const fresh = await arrive(source, options);
    const loaded = await make({ name, bytes: fresh.bytes });
    await fresh.keep?.();
    return loaded;
  });
  await arrived.keep?.();
  return loaded;
}

/** How models are made of files that have arrived. */
export interface Maker {
  make(file: NamedBytes): Promise<Loaded>;
  /** None will be made any more. */
  done?(): void;
}

/** Begins to load what will be needed, so that it is there when the file is. */
async function maker(options: LoadOptions, classifies: boolean): Promise<Maker> {
  if (!options.worker) return makerHere(options, classifies);
  const { makerInWorker } = await import("./on-request.js");
  return makerInWorker(options, classifies, makerHere);
}

function makerHere(options: OpenOptions, classifies: boolean): Maker {
  const { backend = "auto", threads = 1, assets } = options;
  beginLoading(backend, { threads, assets });
  const make = async (file: NamedBytes) => {
    const { model, facts } = await openModel(file, options, classifies);
    return { model, facts, runImages: imagesRunner(model) };
  };
  return { make };
}

async function arrive(source: Source, options: LoadOptions): Promise<Arrived> {
  try {
    const url = options.cache ? urlOf(source) : undefined;
    if (url === undefined) return { bytes: await readSource(source, options) };
    const { arriveCached } = await import("./on-request.js");
    return await arriveCached(url, options.cache as Caching, {
      ...options,
      unread: options.worker,
    });
  } catch (error) {
    throw await explain(error, nameOf(source));
  }
}
