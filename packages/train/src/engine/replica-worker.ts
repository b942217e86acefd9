import { parentPort, workerData } from "node:worker_threads";
import { nodeRuntime } from "../runtime/node.js";
import { pack, type ThreadError } from "../threads/thread-error.js";
import { Replica, type ReplicaPlan, type ReplicaResult } from "./replica.js";
import type { MicroBatch, Scalars } from "./types.js";

/** What a RemoteReplica's thread starts with; the arrays are shared memory. */
export interface ReplicaSetup {
  readonly plan: ReplicaPlan;
  readonly values: Float32Array;
  readonly gradients: Float32Array;
  readonly updates: Float32Array;
}

export interface ReplicaRun {
  readonly batch: MicroBatch;
  readonly scalars: Scalars;
  readonly observe: boolean;
}

/** The first reply, without a result, says that the replica is ready. */
export type ReplicaReply =
  | { readonly result: ReplicaResult | undefined }
  | { readonly error: ThreadError };

const port = parentPort!;
const setup = workerData as ReplicaSetup;

try {
  const values = Float32Array.from(setup.values);
  const replica = await Replica.create(setup.plan, values, await nodeRuntime(setup.plan.backend));
  port.on("message", (run: ReplicaRun) => answer(replica, run));
  reply({ result: undefined });
} catch (error) {
  reply({ error: pack(error) });
}

async function answer(replica: Replica, { batch, scalars, observe }: ReplicaRun): Promise<void> {
  try {
    replica.values.set(setup.values);
    const result = await replica.run(batch, scalars, observe);
    setup.gradients.set(replica.gradients);
    setup.updates.set(replica.updates);
    reply({ result });
  } catch (error) {
    reply({ error: pack(error) });
  }
}

function reply(value: ReplicaReply): void {
  const images = "result" in value ? value.result?.images : undefined;
  port.postMessage(value, images ? [images.buffer] : []);
}
