import type { Worker } from "node:worker_threads";
import { type FloatTensor, OnebitError } from "onebit";
import { unpack } from "../engine/thread-error.js";
import { startWorker } from "../worker-url.js";
import type { Subject, SubjectOptions, Tensors } from "./subject.js";
import type { ThreadCall, ThreadReply } from "./thread.js";

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/**
 * A subject in a thread of its own: what it computes goes on beside everything else. Dispose of it.
 */
export async function subjectInThread(path: string, options: SubjectOptions): Promise<Subject> {
  const thread = new SubjectThread(path);
  try {
    const about = (await thread.call({ open: path, options })) as Omit<Subject, "run" | "dispose">;
    return {
      ...about,
      run: async (batch, outputs) => (await thread.call({ batch, outputs })) as Tensors,
      dispose: () => thread.end(),
    };
  } catch (error) {
    await thread.end();
    throw error;
  }
}

class SubjectThread {
  readonly #worker: Worker;
  readonly #waiting = new Map<number, Waiting>();
  readonly #path: string;
  #next = 0;
  #dead?: Error;

  constructor(path: string) {
    this.#path = path;
    this.#worker = startWorker("subjects/thread.js");
    this.#worker.on("message", (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#die(`failed: ${(error as Error).message}`));
    this.#worker.on("exit", (code) => this.#die(`ended with status ${code}`));
  }

  /** The batch is copied: the caller keeps it. */
  call(
    call:
      | Omit<Extract<ThreadCall, { open: string }>, "id">
      | { batch: FloatTensor; outputs?: readonly string[] },
  ): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#worker.postMessage({ id, ...call } as ThreadCall);
    });
  }

  async end(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    this.#die("was closed");
    await this.#worker.terminate();
  }

  #settle(reply: ThreadReply): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ("error" in reply) waiting?.reject(unpack(reply.error));
    else waiting?.resolve(reply.value);
  }

  #die(how: string): void {
    this.#dead ??= new OnebitError(`${this.#path}: its thread ${how}`);
    for (const { reject } of this.#waiting.values()) reject(this.#dead);
    this.#waiting.clear();
  }
}
