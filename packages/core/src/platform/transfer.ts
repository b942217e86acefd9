import type { SignalLike } from "./web-types.js";

/** How bytes are fetched or read. */
export interface TransferOptions {
  /** Called with the bytes so far and, where it is known, the bytes there will be. */
  readonly progress?: (loaded: number, total: number | undefined) => void;
  readonly signal?: SignalLike;
  /** Milliseconds without a single byte after which a transfer has failed. Default 60,000. */
  readonly timeout?: number;
}

export const DEFAULT_TIMEOUT = 60_000;
