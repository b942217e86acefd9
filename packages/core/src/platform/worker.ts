import type { WorkerOptions } from "node:worker_threads";
import { isNode } from "./is-node.js";

/** A thread that computes for this one and does not keep the process alive. */
export interface WorkerHandle {
  terminate(): unknown;
}

/** Told why a thread could not start, or has died. */
export type Failed = (reason: string) => void;

/** A module of this package that runs as a worker. */
export interface WorkerModule {
  /** Its file's, for words. */
  readonly name: string;
  /** For Node. */
  url(): URL;
  /** Bundlers look for `new Worker(new URL("./module.js", import.meta.url), ...)` in these words. */
  inBrowser(): Worker;
}

/**
 * Starts a module as a worker; it gets `task` from receiveTask, and `ports` that are in it. Nothing is thrown where it cannot
 * start: `failed` is called, never before this returns.
 */
export function startWorker(
  module: WorkerModule,
  task: unknown,
  failed: Failed,
  ports: MessagePort[] = [],
): WorkerHandle {
  try {
    return isNode()
      ? startNodeWorker(module.url(), task, failed, ports)
      : startBrowserWorker(module, task, failed, ports);
  } catch (error) {
    // A script of another origin, or a policy against workers.
    queueMicrotask(() => failed((error as Error).message));
    return { terminate: () => {} };
  }
}

/** In a worker: what it was started with. */
export async function receiveTask<T>(): Promise<T> {
  if (isNode()) return workerThreads().workerData as T;
  return new Promise((resolve) => {
    addEventListener("message", ({ data }) => resolve(data as T), { once: true });
  });
}

const workerThreads = () => process.getBuiltinModule("node:worker_threads");

const unloaded = (name: string) =>
  `its script does not load: is ${name} served, and allowed by the content security policy (worker-src 'self', for onebit/standalone blob:)?`;

function startBrowserWorker(
  module: WorkerModule,
  task: unknown,
  failed: Failed,
  ports: MessagePort[],
): WorkerHandle {
  const worker = module.inBrowser();
  // Of a script that does not load there is nothing more to know.
  worker.addEventListener("error", ({ message }) => failed(message || unloaded(module.name)));
  worker.postMessage(task, ports);
  return worker;
}

/** The parent's flags are not passed on. */
function startNodeWorker(
  module: URL,
  task: unknown,
  failed: Failed,
  ports: MessagePort[],
): WorkerHandle {
  const { Worker } = workerThreads();
  const transferList = ports as unknown as WorkerOptions["transferList"];
  const worker = new Worker(module, { workerData: task, execArgv: [], transferList });
  worker.on("error", ({ message }) => failed(message));
  worker.unref();
  return worker;
}
