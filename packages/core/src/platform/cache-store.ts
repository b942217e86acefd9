import type { BlobLike } from "./web-types.js";

interface Versioned {
  /** The server's name for this version (ETag), or when it was changed; undefined where it says neither. */
  readonly version?: string;
}

/** A file that was fetched, and which version of it. */
export interface CachedFile extends Versioned {
  readonly bytes: Uint8Array;
}

/** The same, for another thread to read. */
export interface UnreadFile extends Versioned {
  readonly blob: BlobLike;
}

/** Where files from URLs are kept. */
export interface CacheStore {
  /** Undefined where it has none, or none that can be read. */
  get(url: string): Promise<CachedFile | undefined>;
  /** The same without reading it, where a store can: pages stay responsive while a worker does. */
  unread?(url: string): Promise<UnreadFile | undefined>;
  /** Replaces what there is of this URL; whole, or not at all. */
  put(url: string, file: CachedFile): Promise<void>;
  /** Whether there was one. */
  delete(url: string): Promise<boolean>;
  /** URLs of all files. */
  urls(): Promise<readonly string[]>;
}

/** Whether something has the methods of a store. */
export function isStore(value: unknown): value is CacheStore {
  const store = value as Partial<CacheStore> | null;
  return (["get", "put", "delete", "urls"] as const).every(
    (method) => typeof store?.[method] === "function",
  );
}
