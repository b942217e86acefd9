import { receiveTask } from "../../../platform/worker.js";
import { Barrier } from "./barrier.js";
import { Runner } from "./runner.js";
import type { WorkerTask } from "./team.js";
import { Member } from "./thread-loop.js";

/** A worker of a Team: sleeps until an image is there, does its share, until it is terminated. */
async function work({ machine, steps, thread, threads, control, ready }: WorkerTask) {
  const runner = await Runner.instantiate(machine, thread);
  const member = new Member(runner, new Barrier(threads, control), thread, threads);
  Atomics.add(new Int32Array(ready), 0, 1);
  for (;;) {
    member.start();
    for (const step of steps) member.runStep(step);
  }
}

// No await here: bundlers write workers as scripts. Thrown apart, a failure reaches the parent.
receiveTask<WorkerTask>()
  .then(work)
  .catch((error) => setTimeout(() => fail(error)));

function fail(error: unknown): never {
  throw error;
}
