/** A thread that computes for this one and does not keep the process alive. */
export interface WorkerHandle {
  /** It could not start, or has died. */
  readonly failed: boolean;
  terminate(): void;
}

/**
 * Starts a module of this package as a worker; it gets `task` from receiveTask. Bundlers look for
 * `new Worker(new URL("./module.js", import.meta.url), ...)` in these words: the caller has them.
 */
export function startWorker(module: URL, inBrowser: () => Worker, task: unknown): WorkerHandle {
  return isNode() ? new NodeWorker(module, task) : startBrowserWorker(inBrowser(), task);
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

function startBrowserWorker(worker: Worker, task: unknown): WorkerHandle {
  let failed = false;
  worker.addEventListener("error", () => {
    failed = true;
  });
  worker.postMessage(task);
  return {
    get failed() {
      return failed;
    },
    terminate: () => worker.terminate(),
  };
}

/** node:worker_threads loads by itself: terminate() may come first. */
class NodeWorker implements WorkerHandle {
  failed = false;
  #terminated = false;
  #worker: { terminate(): unknown } | undefined;

  constructor(module: URL, task: unknown) {
    this.#start(module, task).catch(this.#fail);
  }

  terminate(): void {
    this.#terminated = true;
    void this.#worker?.terminate();
  }

  readonly #fail = (): void => {
    this.failed = true;
  };

  async #start(module: URL, task: unknown): Promise<void> {
    const { startNodeWorker } = await import("./node-worker.js");
    if (!this.#terminated) this.#worker = startNodeWorker(module, task, this.#fail);
  }
}
