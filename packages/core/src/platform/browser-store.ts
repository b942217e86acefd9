import { OnebitError } from "../errors.js";
import { blobOf } from "./blob-of.js";
import type { CacheStore } from "./cache-store.js";

const VERSION = "x-onebit-version";

/**
 * A Cache of the browser's (Cache API), which pages of one origin and their service workers share. OnebitError,
 * when it is used, where there is none: pages that are not served securely, some private windows.
 */
export function browserStore(name = "onebit"): CacheStore {
  const opened = async () => {
    try {
      return await caches.open(name);
    } catch (cause) {
      throw new OnebitError(
        `no cache here: browsers have one for pages from https: or localhost (${(cause as Error).message})`,
        { cause },
      );
    }
  };
  const unread = async (url: string) => {
    const response = await (await opened()).match(url);
    if (!response) return undefined;
    return { blob: await response.blob(), version: response.headers.get(VERSION) ?? undefined };
  };
  return {
    unread,
    async get(url) {
      const file = await unread(url);
      return file && { ...file, bytes: new Uint8Array(await file.blob.arrayBuffer()) };
    },
    async put(url, { bytes, version }) {
      const headers = {
        "content-type": "application/octet-stream",
        ...(version && { [VERSION]: version }),
      };
      // Bytes would be written on this thread, in one go.
      const blob = await blobOf(bytes);
      await (await opened()).put(url, new Response(blob, { headers }));
    },
    delete: async (url) => (await opened()).delete(url),
    urls: async () => (await (await opened()).keys()).map(({ url }) => url),
  };
}
