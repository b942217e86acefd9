import { isFolder } from "../platform/asset.js";
import { type CacheStore, isStore } from "../platform/cache-store.js";
import type { TransferOptions } from "../platform/transfer.js";
import type { UrlLike } from "../platform/web-types.js";
import type { MapType } from "../program/types.js";
import type { BackendChoice } from "./backends.js";
import { checkBackend } from "./backends.js";
import { type Budget, isBudget } from "./budget.js";
import { checkOptions, type OptionChecks } from "./check-options.js";
import { checkThreads } from "./threads.js";

/** How a model is loaded and run. */
export interface LoadOptions extends TransferOptions {
  /**
   * Default "auto": the fastest backend that loads here; model.backendReasons says why not another,
   * and so does the console where it ends at "reference", which is slow.
   * "wasm" measures which of its kernels are fastest here, once in a process, when a network has run
   * for 100 ms: that call takes about 6 ms longer per shape class of binary convolutions.
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
  /**
   * What the file may take: BudgetError where it would need more memory or work, before any of it is
   * taken. Other outputs, and features(), which computes all, ask again.
   */
  readonly budget?: Budget;
  /**
   * Keeps a file from a URL, so that the next load does not fetch it: true for the browser's cache, in Node
   * for a folder; or a store of your own (onebit/cache). The server is asked whether it still has that
   * version; where it does not answer, the file is taken as it is.
   */
  readonly cache?: boolean | CacheStore;
  /**
   * Runs the model off this thread, in a worker that all such models share: the same methods, and the page
   * stays responsive. Where no worker can start it runs here, and model.workerReason and the console say why.
   */
  readonly worker?: boolean;
  /**
   * Where the backend "wasm" finds what the folder `wasm` of this package holds: the URL of a copy, which
   * may be relative to the page's, or in Node its path. Needed where a bundler does not follow
   * `new URL(..., import.meta.url)`, as esbuild does not (docs/browser.md). Default: beside the code.
   */
  readonly assets?: string | UrlLike;
}

/** As an option's check. */
export function isSignal(signal: unknown): true | string {
  return typeof (signal as AbortSignal | null)?.throwIfAborted === "function" || "an AbortSignal";
}

const isSide = (side: unknown) => Number.isSafeInteger(side) && (side as number) > 0;

const CHECKS: OptionChecks<LoadOptions> = {
  backend: checkBackend,
  threads: checkThreads,
  input: (input) =>
    (Array.isArray(input) && input.length === 2 && input.every(isSide)) ||
    "[height, width], whole numbers from 1",
  maps: (maps) => maps === "float32" || maps === "bfloat16" || "float32 or bfloat16",
  budget: (budget) => isBudget(budget) || "{ memory: bytes, work: multiply-adds }, numbers from 0",
  cache: (cache) => typeof cache === "boolean" || isStore(cache) || "true, false or a store",
  worker: (worker) => typeof worker === "boolean" || "true or false",
  assets: (assets) => isFolder(assets) || "the URL of a folder (in Node a path will do)",
  progress: (progress) => typeof progress === "function" || "a function (loaded, total) => ...",
  signal: isSignal,
  timeout: (timeout) =>
    (typeof timeout === "number" && timeout > 0) || "milliseconds, above 0 (Infinity: none)",
};

/** UsageError for options that there are not, and for values that they cannot have. */
export function checkLoadOptions(call: string, options: LoadOptions): void {
  checkOptions(call, options, CHECKS);
}
