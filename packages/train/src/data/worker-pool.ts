import type { Worker } from "node:worker_threads";
import { OnebitError } from "onebit";
import { Awaited } from "../threads/awaited.js";
import { startWorker } from "../worker-url.js";
import type { Filled, Job, Reply, WorkerSplits } from "./worker.js";

interface Waiting {
  resolve(filled: Filled): void;
  reject(error: Error): void;
}

/** One thread and the jobs it has not answered yet. */
interface Slot {
  worker: Worker;
  awaited: Awaited;
  waiting: Map<number, Waiting>;
}

/** Threads that fill batches; a job goes to the one with the fewest. */
export class WorkerPool {
  readonly #slots: Slot[];
  #nextId = 0;
  #failure: Error | undefined;

  constructor(count: number, splits: WorkerSplits) {
    this.#slots = Array.from({ length: count }, () => this.#start(splits));
  }

  run(job: Omit<Job, "id">): Promise<Filled> {
    if (this.#failure) return Promise.reject(this.#failure);
    const slot = this.#slots.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
    const id = this.#nextId++;
    return slot.awaited.during(
      () =>
        new Promise((resolve, reject) => {
          slot.waiting.set(id, { resolve, reject });
          slot.worker.postMessage({ id, ...job } satisfies Job, [job.images.buffer]);
        }),
    );
  }

  /** Ends the threads; jobs under way are rejected. */
  async close(): Promise<void> {
    this.#fail(new OnebitError("the loader was closed"));
    await Promise.all(
      this.#slots.map(({ worker, awaited }) => awaited.during(() => worker.terminate())),
    );
  }

  #start(splits: WorkerSplits): Slot {
    const worker = startWorker("data/worker.js", { workerData: splits });
    const slot: Slot = { worker, awaited: new Awaited(worker), waiting: new Map() };
    worker.on("message", (reply: Reply) => settle(slot, reply));
    worker.on("error", (error) => {
      this.#fail(new OnebitError(`a data worker failed: ${(error as Error).stack ?? error}`));
    });
    worker.on("exit", (code) => {
      this.#fail(new OnebitError(`a data worker ended unexpectedly (exit status ${code})`));
    });
    return slot;
  }

  /** The first failure is the one to report. */
  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { waiting } of this.#slots) {
      for (const { reject } of waiting.values()) reject(this.#failure);
      waiting.clear();
    }
  }
}

function settle({ waiting }: Slot, reply: Reply): void {
  const job = waiting.get(reply.id);
  waiting.delete(reply.id);
  if ("images" in reply) job?.resolve(reply);
  else job?.reject(reply.expected ? new OnebitError(reply.error) : new Error(reply.error));
}
