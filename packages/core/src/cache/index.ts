/**
 * Where `load(url, { cache: true })` keeps files: in browsers the Cache API, in Node a folder.
 *
 * ```ts
 * import { clearCache, isCached } from "onebit/cache";
 *
 * console.log(await isCached("https://example.org/net.onebit")); // false
 * await clearCache();
 * ```
 *
 * @module onebit/cache
 */

import type { CacheStore } from "../platform/cache-store.js";
import { defaultStore } from "../platform/default-store.js";
import { absolute } from "./cached-source.js";

export { browserStore } from "../platform/browser-store.js";
export type { CachedFile, CacheStore } from "../platform/cache-store.js";
export { defaultStore } from "../platform/default-store.js";

/** Whether a file lies in the cache; url: as load() takes it, relative to the page. */
export async function isCached(url: string, store?: CacheStore): Promise<boolean> {
  const cache = store ?? (await defaultStore());
  return (await cache.urls()).includes(absolute(url));
}

/** Removes a file, or all; returns how many there were. */
export async function clearCache(url?: string, store?: CacheStore): Promise<number> {
  const cache = store ?? (await defaultStore());
  const urls = url === undefined ? await cache.urls() : [absolute(url)];
  const had = await Promise.all(urls.map((one) => cache.delete(one)));
  return had.filter(Boolean).length;
}
