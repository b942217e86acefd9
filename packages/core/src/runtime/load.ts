import { OnebitError, UsageError } from "../errors.js";
import type { OnebitFile } from "../file/onebit-file.js";
import { openOnebit } from "../file/read-onebit.js";
import type { TransferOptions } from "../platform/fetch.js";
import { nameOf, readSource, type Source } from "../platform/source.js";
import type { MapType } from "../program/types.js";
import { type BackendChoice, beginLoading } from "./backends.js";
import { Model } from "./model.js";
import { checkThreads } from "./threads.js";

export interface LoadOptions extends TransferOptions {
  /**
   * Default "auto": the fastest backend that loads here; model.backendReasons says why not another.
   * "wasm" measures which of its kernels are fastest here, once in a process, when a network has run
   * for 100 ms: that call takes about 6 ms longer per layer shape.
   */
  readonly backend?: BackendChoice;
  /** 1 to 256. Default 1. Where fewer can run, model.threads and model.threadsReason say so. */
  readonly threads?: number;
  /**
   * Height and width of the images, where they are not those that the network was packed for.
   * Preprocessing follows. OnebitError where the network cannot take that size.
   */
  readonly input?: readonly [height: number, width: number];
  /**
   * How maps are kept between steps. "bfloat16" takes half the memory and rounds what is stored to 8
   * bits of significand: the logits change a little, and now and then the class. Default: as the file
   * says, which for all that onebit packs is float32.
   */
  readonly maps?: MapType;
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
  checkOptions(threads, options);
  beginLoading(backend, { threads });
  const bytes = await readSource(source, options);
  signal?.throwIfAborted();
  const { file, intact } = await named(source, () => openOnebit(bytes));
  signal?.throwIfAborted();
  const model = create(source, file, options);
  return onceIntact(
    model,
    named(source, () => intact),
  );
}

function checkOptions(threads: number, { maps }: LoadOptions): void {
  checkThreads(threads);
  if (maps === undefined || maps === "float32" || maps === "bfloat16") return;
  throw new UsageError(`maps ${maps}: must be float32 or bfloat16`);
}

async function create(
  source: Source,
  file: OnebitFile,
  { backend = "auto", threads = 1, input, maps }: LoadOptions,
): Promise<Model> {
  const sized = input ? await named(source, () => fileAtSize(file, input)) : file;
  return Model.create(maps ? await fileWithMaps(sized, maps) : sized, backend, { threads });
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
    throw new OnebitError(`${nameOf(source)}: ${error.message}`, { cause: error });
  }
}
