import type { TrainingRuntime } from "../runtime/types.js";
import type { Replica, ReplicaPlan } from "./replica.js";

/** What the engine cannot do by itself: given by whoever starts it. */
export interface Platform {
  readonly runtime: TrainingRuntime;
  /** A replica in another thread. values: as `shared` makes them. Absent where there are no threads. */
  readonly startReplica?: (plan: ReplicaPlan, values: Float32Array) => Promise<RunningReplica>;
}

/** What is needed of a replica, wherever it runs. */
export type RunningReplica = Pick<Replica, "gradients" | "updates" | "run" | "dispose">;
