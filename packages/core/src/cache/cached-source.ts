import { OnebitError } from "../errors.js";
import { resolveAddress } from "../platform/addresses.js";
import type { CacheStore } from "../platform/cache-store.js";
import { defaultStore } from "../platform/default-store.js";
import { versionOf } from "../platform/fetch.js";
import { fetchShared } from "../platform/fetch-shared.js";
import { DEFAULT_TIMEOUT, type TransferOptions } from "../platform/transfer.js";
import type { BlobLike } from "../platform/web-types.js";

/** As the option `cache` has it where it is wanted. */
export type Caching = true | CacheStore;

/** A file from a URL, and what is to be done with it once it is known to be whole, or damaged. */
export interface Arrived {
  readonly bytes: Uint8Array | BlobLike;
  /** Of what was fetched: puts it into the cache. Never rejects. */
  readonly keep?: () => Promise<void>;
  /** Of what came from the cache: removes it there. Never rejects. */
  readonly drop?: () => Promise<void>;
}

/** How a file is fetched, or taken from a cache. */
export interface CachedOptions extends TransferOptions {
  /** Another thread reads what the cache has. */
  readonly unread?: boolean;
}

/** As readCached, of an address as users write it, from the store that they choose. */
export async function arriveCached(
  address: string,
  cache: Caching,
  options: CachedOptions,
): Promise<Arrived> {
  const store = cache === true ? await defaultStore() : cache;
  return readCached(absolute(address), store, options);
}

/** The URL that a file is kept under. */
export function absolute(address: string): string {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  const url = resolveAddress(address);
  try {
    return new URL(url, page).href;
  } catch {
    // Whoever fetches it says what is wrong with it.
    return url;
  }
}

/**
 * What the cache has, if the server says that it still is that version, or does not answer at all; else what the
 * server sends. A cache that fails is done without, with a word on the console.
 */
export async function readCached(
  url: string,
  store: CacheStore,
  options: CachedOptions,
): Promise<Arrived> {
  const looked = await orSay(url, async () => [await inStore(url, store, options.unread)]);
  const cached = looked?.[0];
  if (cached && (await isCurrent(url, cached.version, options))) {
    const { bytes, size } = cached;
    options.progress?.(size, size);
    return { bytes, drop: () => orSay(url, () => store.delete(url)).then(() => {}) };
  }
  const fetched = await fetchShared(url, options);
  const keep = () => orSay(url, () => store.put(url, fetched)) as Promise<void>;
  // A store that could not be read has been told of.
  return { bytes: fetched.bytes, keep: looked && keep };
}

async function inStore(url: string, store: CacheStore, unread = false) {
  if (unread && store.unread) {
    const file = await store.unread(url);
    return file && { bytes: file.blob, size: file.blob.size, version: file.version };
  }
  const file = await store.get(url);
  return file && { ...file, size: file.bytes.length };
}

/** Whether a version is what the server has, or the server cannot be reached. */
async function isCurrent(
  url: string,
  version: string | undefined,
  { signal, timeout = DEFAULT_TIMEOUT }: TransferOptions,
): Promise<boolean> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  signal?.addEventListener("abort", stop);
  const timer = setTimeout(stop, Math.min(timeout, LONGEST_QUESTION));
  try {
    const response = await fetch(url, { method: "HEAD", cache: "no-cache", signal: abort.signal });
    // A server in trouble says nothing about the file; one without the file is asked for it, and says so.
    if (response.status >= 500 || response.status === 429) return true;
    return version !== undefined && response.ok && versionOf(response) === version;
  } catch {
    signal?.throwIfAborted();
    return true;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Whoever has the file already does not wait long to hear that it is still the same. */
const LONGEST_QUESTION = 5000;

async function orSay<T>(url: string, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    const why = error instanceof OnebitError ? error.message : reasonOf(error as Error);
    console.warn(`onebit: ${url}: the cache cannot be used: ${why}`);
    return undefined;
  }
}

function reasonOf({ name, message }: Error): string {
  if (name === "QuotaExceededError") return "there is no room left (QuotaExceededError)";
  return message || name;
}
