/**
 * Types that browsers and Node share, told by what is used of them: code compiles against this package
 * without a library of types for either.
 */

/** A URL. */
export interface UrlLike {
  readonly href: string;
  readonly protocol: string;
  readonly pathname: string;
  readonly searchParams: object;
}

/** A folder of files: its URL, which may be relative to the page's, or in Node its path. Or their URLs by name. */
export type Assets = string | UrlLike | { readonly [file: string]: string };

/** A Blob or a File. */
export interface BlobLike {
  readonly size: number;
  slice(start?: number, end?: number): BlobLike;
  arrayBuffer(): Promise<ArrayBuffer>;
}

/** An AbortSignal. */
export interface SignalLike {
  readonly aborted: boolean;
  readonly reason?: unknown;
  throwIfAborted(): void;
  addEventListener(type: "abort", listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: "abort", listener: () => void): void;
}
