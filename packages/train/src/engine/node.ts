import { nodeRuntime } from "../runtime/node.js";
import { createCore } from "./core.js";
import { RemoteReplica } from "./remote-replica.js";
import type { Engine, EnginePlan } from "./types.js";

/** An engine in the calling thread, which is blocked while it works: see startEngine. */
export async function createEngine(plan: EnginePlan, values: Float32Array): Promise<Engine> {
  const runtime = await nodeRuntime(plan.backend);
  return createCore(plan, values, { runtime, startReplica: RemoteReplica.start });
}
