import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What is not to outlive this process. */
const paths = new Set<string>();

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface CleanupOptions {
  /**
   * Also at SIGINT, SIGTERM and SIGHUP, where nobody else listens to them; the process then ends by
   * the signal, as it would have. For things that exist for moments only: packages that watch each
   * other's listeners can keep a process alive.
   */
  readonly signals?: boolean;
}

/** Removes a file or folder when the process exits. Call what comes back once it is gone, or to stay. */
export function removeOnExit(path: string, { signals = false }: CleanupOptions = {}): () => void {
  if (!paths.size) process.on("exit", removeUnfinished);
  paths.add(path);
  if (signals) watch();
  let forgotten = false;
  return () => {
    if (forgotten) return;
    forgotten = true;
    paths.delete(path);
    if (!paths.size) process.off("exit", removeUnfinished);
    if (signals) unwatch();
  };
}

/** A folder for the time of some work, gone after it and where the process ends meanwhile. */
export async function withTemporaryFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "onebit-"));
  const forget = removeOnExit(folder, { signals: true });
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
    forget();
  }
}

/** Removes everything at once; for those who end the process by a signal. */
export function removeUnfinished(): void {
  for (const path of paths) {
    try {
      rmSync(path, { recursive: true, force: true });
    } catch {
      // The process is ending, and nobody could do more about it.
    }
  }
}

let watchers = 0;

function watch(): void {
  if (watchers++ === 0) for (const signal of SIGNALS) process.on(signal, endBy);
}

function unwatch(): void {
  if (--watchers === 0) for (const signal of SIGNALS) process.off(signal, endBy);
}

function endBy(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return;
  removeUnfinished();
  process.off(signal, endBy);
  process.kill(process.pid, signal);
}
