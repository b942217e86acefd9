import { abortable } from "./abortable.js";
import { type Fetched, fetchPacked } from "./fetch.js";
import type { TransferOptions } from "./transfer.js";

type Progress = NonNullable<TransferOptions["progress"]>;

/** A transfer that several wait for. */
interface Shared {
  readonly file: Promise<Fetched>;
  readonly listeners: Set<Progress>;
  readonly abort: AbortController;
  /** What was told last, for whoever comes later. */
  told?: Parameters<Progress>;
}

const under = new Map<string, Shared>();

/**
 * As fetchPacked; calls for one URL that overlap share a transfer, which ends when none of them waits any more.
 * The silence that the first of them bears is that of all.
 */
export async function fetchShared(url: string, options: TransferOptions = {}): Promise<Fetched> {
  const { progress, signal } = options;
  const shared = under.get(url) ?? begin(url, options);
  let refuse = (_: unknown) => {};
  // What one of them throws is no failure of the transfer, nor the others' business.
  const refused = new Promise<never>((_, reject) => {
    refuse = reject;
  });
  const listener: Progress = (...told) => {
    try {
      progress?.(...told);
    } catch (error) {
      refuse(error);
    }
  };
  shared.listeners.add(listener);
  if (shared.told) listener(...shared.told);
  const leave = () => {
    shared.listeners.delete(listener);
    if (shared.listeners.size) return;
    under.delete(url);
    shared.abort.abort();
  };
  return abortable(Promise.race([shared.file, refused]), signal).finally(leave);
}

function begin(url: string, { timeout }: TransferOptions): Shared {
  const abort = new AbortController();
  const listeners = new Set<Progress>();
  const progress: Progress = (...told) => {
    shared.told = told;
    for (const listener of listeners) listener(...told);
  };
  const file = fetchPacked(url, { timeout, signal: abort.signal, progress });
  const shared: Shared = { file, listeners, abort };
  under.set(url, shared);
  // Told to those who wait; where nobody does any more, to nobody.
  file.catch(() => {});
  return shared;
}
