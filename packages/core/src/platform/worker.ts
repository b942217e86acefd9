/** A thread that computes for this one and does not keep the process alive. */
export interface WorkerHandle {
  /** Why it could not start, or has died. */
  readonly failure: string | undefined;
  terminate(): void;
}

/**
 * Starts a module of this package as a worker; it gets `task` from receiveTask. Bundlers look for
 * `new Worker(new URL("./module.js", import.meta.url), ...)` in these words: the caller has them.
 * Where it cannot start, the handle says so; nothing is thrown.
 */
export function startWorker(module: URL, inBrowser: () => Worker, task: unknown): WorkerHandle {
  if (isNode()) return new NodeWorker(module, task);
  try {
    return startBrowserWorker(inBrowser(), task);
  } catch (error) {
    // A script of another origin, or a policy against workers.
    return { failure: (error as Error).message, terminate: () => {} };
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

function startBrowserWorker(worker: Worker, task: unknown): WorkerHandle {
  let failure: string | undefined;
  worker.addEventListener("error", ({ message }) => {
    // Of a script that was not found there is nothing more to know.
    failure = message || "its script does not load (is team-worker.js served beside the code?)";
  });
  worker.postMessage(task);
  return {
    get failure() {
      return failure;
    },
    terminate: () => worker.terminate(),
  };
}

/** node:worker_threads loads by itself: terminate() may come first. */
class NodeWorker implements WorkerHandle {
  failure: string | undefined;
  #terminated = false;
  #worker: { terminate(): unknown } | undefined;

  constructor(module: URL, task: unknown) {
    this.#start(module, task).catch(this.#fail);
  }

  terminate(): void {
    this.#terminated = true;
    void this.#worker?.terminate();
  }

  readonly #fail = ({ message }: Error): void => {
    this.failure = message;
  };

  async #start(module: URL, task: unknown): Promise<void> {
    const { startNodeWorker } = await import("./node-worker.js");
    if (!this.#terminated) this.#worker = startNodeWorker(module, task, this.#fail);
  }
}
