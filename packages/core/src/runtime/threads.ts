import { UsageError } from "../errors.js";

/**
 * Each thread has a stack and an arena of its own, and no network of today has work for so many:
 * more is a mistake, or an attempt to fill the memory.
 */
export const MAX_THREADS = 256;

/** UsageError unless so many threads can be asked for. */
export function checkThreads(threads: unknown): asserts threads is number {
  if (Number.isInteger(threads) && (threads as number) >= 1 && (threads as number) <= MAX_THREADS) {
    return;
  }
  const shown = typeof threads === "string" ? `"${threads}"` : String(threads);
  throw new UsageError(`threads ${shown}: must be a whole number from 1 to ${MAX_THREADS}`);
}
