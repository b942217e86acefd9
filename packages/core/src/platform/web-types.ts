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
