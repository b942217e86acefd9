import type { Worker } from "node:worker_threads";
import { OnebitError } from "onebit";
import { Awaited } from "../threads/awaited.js";
import { unpack } from "../threads/thread-error.js";
import { startWorker } from "../worker-url.js";
import type { ReplicaPlan, ReplicaResult } from "./replica.js";
import type { ReplicaReply, ReplicaRun, ReplicaSetup } from "./replica-worker.js";
import { shared } from "./shared.js";
import type { MicroBatch, Scalars } from "./types.js";
import { updateSegments } from "./updates.js";

/**
 * A replica in a thread of its own. ONNX Runtime refuses shared memory, so values, gradients and
 * updates are copied through it: some milliseconds where a step takes hundreds.
 */
export class RemoteReplica {
  readonly gradients: Float32Array;
  readonly updates: Float32Array;
  readonly #worker: Worker;
  readonly #awaited: Awaited;
  #settle?: (reply: ReplicaReply | Error) => void;
  #dead?: Error;

  /** values: shared with all replicas; they read it when a run begins. */
  static async start(plan: ReplicaPlan, values: Float32Array): Promise<RemoteReplica> {
    const { length } = updateSegments(plan.layout, plan.graph);
    const setup = { values, gradients: shared(plan.layout.trained), updates: shared(length) };
    const replica = new RemoteReplica({ plan, ...setup });
    await replica.#reply();
    return replica;
  }

  private constructor(setup: ReplicaSetup) {
    this.gradients = setup.gradients;
    this.updates = setup.updates;
    this.#worker = startWorker("engine/replica-worker.js", { workerData: setup });
    this.#awaited = new Awaited(this.#worker);
    this.#worker.on("message", (reply: ReplicaReply) => this.#settle?.(reply));
    this.#worker.on("error", (error) => this.#die(`failed: ${(error as Error).message}`));
    this.#worker.on("exit", (code) => this.#die(`ended with status ${code}`));
  }

  async run(batch: MicroBatch, scalars: Scalars, observe = false): Promise<ReplicaResult> {
    const reply = this.#reply();
    this.#worker.postMessage({ batch, scalars, observe } satisfies ReplicaRun, [
      batch.images.buffer,
    ]);
    const { result } = await reply;
    return result!;
  }

  async dispose(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#awaited.during(() => this.#worker.terminate());
  }

  #reply(): Promise<Extract<ReplicaReply, { result: unknown }>> {
    return this.#awaited.during(
      () =>
        new Promise((resolve, reject) => {
          if (this.#dead) return reject(this.#dead);
          this.#settle = (reply) => {
            if (reply instanceof Error) reject(reply);
            else if ("error" in reply) reject(unpack(reply.error));
            else resolve(reply);
          };
        }),
    );
  }

  #die(how: string): void {
    this.#dead ??= new OnebitError(`a replica of the engine ${how}`);
    this.#settle?.(this.#dead);
  }
}
