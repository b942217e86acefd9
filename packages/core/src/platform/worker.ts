/** A thread that computes for this one and does not keep the process alive. */
export interface WorkerHandle {
  terminate(): void;
}

/** Told why a thread could not start, or has died. */
type Failed = (reason: string) => void;

/**
 * Starts a module of this package as a worker; it gets `task` from receiveTask. Bundlers look for
 * `new Worker(new URL("./module.js", import.meta.url), ...)` in these words: the caller has them.
 * Nothing is thrown where it cannot start: `failed` is called, never before this returns.
 */
export function startWorker(
  module: URL,
  inBrowser: () => Worker,
  task: unknown,
  failed: Failed,
): WorkerHandle {
  if (isNode()) return new NodeWorker(module, task, failed);
  try {
    return startBrowserWorker(inBrowser(), task, failed);
  } catch (error) {
    // A script of another origin, or a policy against workers.
    queueMicrotask(() => failed((error as Error).message));
    return { terminate: () => {} };
  }
}

/** In a worker: what it was started with. */
export async function receiveTask<T>(): Promise<T> {
  if (isNode()) return (await import("node:worker_threads")).workerData as T;
  return new Promise((resolve) => {
    addEventListener("message", ({ data }) => resolve(data as T), { once: true });
  });
}

function isNode(): boolean {
  return typeof process !== "undefined" && process.versions?.node !== undefined;
}

function startBrowserWorker(worker: Worker, task: unknown, failed: Failed): WorkerHandle {
  worker.addEventListener("error", ({ message }) => {
    // Of a script that was not found there is nothing more to know.
    failed(message || "its script does not load (is team-worker.js served beside the code?)");
  });
  worker.postMessage(task);
  return worker;
}

/** node:worker_threads loads by itself: terminate() may come first. */
class NodeWorker implements WorkerHandle {
  #terminated = false;
  #worker: { terminate(): unknown } | undefined;

  constructor(module: URL, task: unknown, failed: Failed) {
    const fail = ({ message }: Error) => failed(message);
    this.#start(module, task, fail).catch(fail);
  }

  terminate(): void {
    this.#terminated = true;
    void this.#worker?.terminate();
  }

  async #start(module: URL, task: unknown, failed: (error: Error) => void): Promise<void> {
    const { startNodeWorker } = await import("./node-worker.js");
    if (!this.#terminated) this.#worker = startNodeWorker(module, task, failed);
  }
}
