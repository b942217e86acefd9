import { type SignalLike, UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { counted } from "onebit/words";
import { type AugmentOptions, type Mixed, resolveAugment } from "./augment/index.js";
import type { BadPicture } from "./bad-picture.js";
import type { Dataset } from "./dataset.js";
import { BatchFiller, type BatchRequest } from "./fill.js";
import { rng } from "./random.js";
import type { Part } from "./worker.js";
import { WorkerPool } from "./worker-pool.js";

/** One batch; after use give it back with `recycle`. */
export interface Batch {
  /** [N, C, H, W], normalised; owns its ArrayBuffer, which may be transferred. */
  images: Float32Array<ArrayBuffer>;
  /** Length N. */
  labels: Int32Array<ArrayBuffer>;
  /** Real items; from there to N images and labels are 0. */
  count: number;
  /** Of the real items, in the split. */
  indices: Int32Array<ArrayBuffer>;
  /** Left out of it; empty without `skipBad`. */
  bad: readonly BadPicture[];
  /** How the real items were mixed among themselves; `labels` are those from before. Absent: not. */
  mixed?: Mixed;
}

/** Which images come, how prepared, and in which order. */
export interface BatchOptions {
  split: Part;
  /** N. */
  batch: number;
  preprocess: Preprocess;
  /** Absent: none. */
  augment?: AugmentOptions;
  /** Decides shuffling, augmentation and mixing, together with `epoch`. Default 0. */
  seed?: number;
  epoch?: number;
  /** Decides augmentation instead of `epoch`: the same view, the same pixels (but for mixing). */
  view?: number;
  /** Default: only the training split. */
  shuffle?: boolean;
  /** Leave out the items that do not fill a batch, instead of padding. Default: only for training. */
  dropLast?: boolean;
  /** Leave out pictures that cannot be used, instead of failing at the first: a batch is shorter. */
  skipBad?: boolean;
  signal?: SignalLike;
}

/** The batches of one epoch, once. Leaving the loop early is fine. */
export interface BatchStream extends AsyncIterable<Batch> {
  /** How many batches, and how many real items in them. */
  readonly batches: number;
  readonly items: number;
  recycle(batch: Pick<Batch, "images">): void;
}

/** Decodes, prepares and batches images of a data set. */
export interface Loader {
  batches(options: BatchOptions): BatchStream;
  /** Ends the worker threads. */
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Where images are decoded, and what is kept of them. */
export interface LoaderOptions {
  /**
   * Threads that decode and augment; default 1. 0: in this thread, which is also what a split that
   * is not `portable` gets.
   */
  workers?: number;
  /** Keep what is decoded of image files for the next epoch, while there is room. Default: false. */
  keep?: boolean;
}

/** Batches in flight per worker: one being filled, one waiting for its turn. */
const PREFETCH = 2;

/** Keeps its worker threads from epoch to epoch; close it at the end. */
export function openLoader(
  dataset: Dataset,
  { workers = 1, keep = false }: LoaderOptions = {},
): Loader {
  if (!Number.isInteger(workers) || workers < 0 || workers > 256) {
    throw new UsageError(
      `cannot load data with ${workers} workers: use a whole number from 0 to 256`,
    );
  }
  const train = dataset.train.portable;
  const test = dataset.test.portable;
  const threads = train && test ? workers : 0;
  let pool: WorkerPool | undefined;
  const start = (): WorkerPool | undefined => {
    if (train && test && threads > 0) pool ??= new WorkerPool(threads, { train, test, keep });
    return pool;
  };
  const fillers = {
    train: new BatchFiller(dataset.train, keep),
    test: new BatchFiller(dataset.test, keep),
  };
  const buffers = new BufferPool();
  const close = async (): Promise<void> => {
    const open = pool;
    pool = undefined;
    await open?.close();
  };
  return {
    batches: (options) => openStream(dataset, options, { start, fillers, threads, buffers }),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** As `openLoader`, for one pass: the workers end with the loop. */
export function batches(dataset: Dataset, options: BatchOptions & LoaderOptions): BatchStream {
  const loader = openLoader(dataset, options);
  const stream = loader.batches(options);
  return {
    ...stream,
    async *[Symbol.asyncIterator]() {
      try {
        yield* stream;
      } finally {
        await loader.close();
      }
    },
  };
}

interface Engine {
  start(): WorkerPool | undefined;
  /** Of this thread, where there is no pool. */
  fillers: Record<Part, BatchFiller>;
  threads: number;
  buffers: BufferPool;
}

function openStream(dataset: Dataset, options: BatchOptions, engine: Engine): BatchStream {
  const { batch, preprocess, split: part } = options;
  const { shuffle = part === "train", dropLast = part === "train" } = options;
  const { seed = 0, epoch = 0, view = epoch, skipBad, signal } = options;
  const augment = options.augment && resolveAugment(options.augment);
  const split = dataset[part];
  checkBatch(dataset, part, batch, dropLast);
  const total = dropLast ? Math.floor(split.length / batch) : Math.ceil(split.length / batch);
  const stride = preprocess.channels * preprocess.size[0] * preprocess.size[1];

  const order = Int32Array.from({ length: split.length }, (_, i) => i);
  if (shuffle) rng(seed, "shuffle", epoch).shuffle(order);

  const fill = async (n: number): Promise<Batch> => {
    const wanted = order.slice(n * batch, (n + 1) * batch);
    const request: BatchRequest = {
      ...{ indices: wanted, number: n, preprocess, augment },
      ...{ seed, epoch, view, skipBad },
    };
    const empty = engine.buffers.take(batch * stride);
    const pool = engine.start();
    const { images, bad, mixed } = pool
      ? await pool.run({ part, request, images: empty })
      : { images: empty, ...(await engine.fillers[part].fill(request, empty)) };
    const missing = new Set(bad.map(({ index }) => index));
    const indices = bad.length ? wanted.filter((i) => !missing.has(i)) : wanted;
    const labels = new Int32Array(batch);
    indices.forEach((i, k) => {
      labels[k] = split.label(i);
    });
    return { images, labels, count: indices.length, indices, bad, ...(mixed && { mixed }) };
  };

  return {
    batches: total,
    items: dropLast ? total * batch : split.length,
    recycle: ({ images }) => engine.buffers.give(images),
    [Symbol.asyncIterator]: () =>
      inOrder(fill, total, Math.max(1, engine.threads * PREFETCH), signal),
  };
}

/** Runs up to `ahead` jobs at once and yields their results in order. */
async function* inOrder<T>(
  job: (n: number) => Promise<T>,
  total: number,
  ahead: number,
  signal?: SignalLike,
): AsyncGenerator<T> {
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal?.reason);
    signal?.addEventListener("abort", stop, { once: true });
  });
  aborted.catch(() => {});
  const running: Promise<T>[] = [];
  let next = 0;
  try {
    for (let done = 0; done < total; done++) {
      signal?.throwIfAborted();
      while (next < total && running.length < ahead) {
        const promise = job(next++);
        // A failure is reported when its turn comes.
        promise.catch(() => {});
        running.push(promise);
      }
      yield await Promise.race([running.shift() as Promise<T>, aborted]);
    }
  } finally {
    if (stop) signal?.removeEventListener("abort", stop);
  }
}

/** Batches are large: their buffers are used again. */
class BufferPool {
  readonly #free: Float32Array<ArrayBuffer>[] = [];

  take(length: number): Float32Array<ArrayBuffer> {
    const index = this.#free.findIndex((buffer) => buffer.length === length);
    return index < 0 ? new Float32Array(length) : this.#free.splice(index, 1)[0];
  }

  /** A buffer that was transferred away has length 0 and cannot be used again. */
  give(images: Float32Array<ArrayBuffer>): void {
    const whole = images.length > 0 && images.byteLength === images.buffer.byteLength;
    if (whole && !this.#free.includes(images) && this.#free.length < 64) this.#free.push(images);
  }
}

function checkBatch(dataset: Dataset, part: Part, batch: number, dropLast: boolean): void {
  if (!Number.isInteger(batch) || batch < 1) {
    throw new UsageError(`batch size ${batch}: use a whole number above 0`);
  }
  const { length } = dataset[part];
  if (length === 0) throw new UsageError(`${dataset.spec}: the ${part} split is empty`);
  if (dropLast && length < batch) {
    throw new UsageError(
      `${dataset.spec}: batches of ${batch} from ${counted(length, `${part} image`)}: use a batch of at most ${length}`,
    );
  }
}
