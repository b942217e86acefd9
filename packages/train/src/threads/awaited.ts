import type { Worker } from "node:worker_threads";

/**
 * Lets a thread keep the process alive only while somebody waits for it: whoever forgets to dispose of an engine
 * after a failed step still ends.
 */
export class Awaited {
  readonly #worker: Worker;
  #waiting = 0;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.unref();
  }

  async during<T>(wait: () => Promise<T>): Promise<T> {
    if (this.#waiting++ === 0) this.#worker.ref();
    try {
      return await wait();
    } finally {
      if (--this.#waiting === 0) this.#worker.unref();
    }
  }
}
