import type { Worker } from "node:worker_threads";
import { OnebitError } from "onebit";
import { startWorker } from "../worker-url.js";
import type { ThreadReply } from "./answer-calls.js";
import { Awaited } from "./awaited.js";
import { unpack } from "./thread-error.js";

interface Pending {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

/** A thread that answers calls, of the type Call: its other side is answerCalls. */
export class CalledThread<Call extends object> {
  readonly #worker: Worker;
  readonly #awaited: Awaited;
  readonly #pending = new Map<number, Pending>();
  #next = 0;
  #dead?: Error;

  /** module: as startWorker takes it. what: the subject of the sentence that says how it ended. */
  constructor(module: string, what: string) {
    this.#worker = startWorker(module);
    this.#awaited = new Awaited(this.#worker);
    this.#worker.on("message", (reply: ThreadReply) => this.#settle(reply));
    this.#worker.on("error", (error) => this.#die(`${what} failed: ${(error as Error).message}`));
    this.#worker.on("exit", (code) => this.#die(`${what} ended with status ${code}`));
  }

  get isDead(): boolean {
    return this.#dead !== undefined;
  }

  /** Arrays in `transfer` are given away; everything else is copied. */
  call(call: Call, transfer: readonly Float32Array[] = []): Promise<unknown> {
    if (this.#dead) return Promise.reject(this.#dead);
    const id = this.#next++;
    return this.#awaited.during(
      () =>
        new Promise((resolve, reject) => {
          this.#pending.set(id, { resolve, reject });
          const buffers = transfer.map(({ buffer }) => buffer as ArrayBuffer);
          this.#worker.postMessage({ id, call }, [...new Set(buffers)]);
        }),
    );
  }

  /** why: what calls are told that come too late. */
  async end(why: string): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#awaited.during(() => this.#worker.terminate());
    this.#die(why);
  }

  #settle(reply: ThreadReply): void {
    const pending = this.#pending.get(reply.id);
    this.#pending.delete(reply.id);
    if ("error" in reply) pending?.reject(unpack(reply.error));
    else pending?.resolve(reply.value);
  }

  #die(how: string): void {
    this.#dead ??= new OnebitError(how);
    for (const { reject } of this.#pending.values()) reject(this.#dead);
    this.#pending.clear();
  }
}
