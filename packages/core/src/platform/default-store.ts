import type { CacheStore } from "./cache-store.js";
import { isNode } from "./is-node.js";

/** The browser's cache, or in Node a folder. */
export async function defaultStore(): Promise<CacheStore> {
  if (isNode()) return (await import("#node")).folderStore();
  return (await import("./browser-store.js")).browserStore();
}
