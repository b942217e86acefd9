import { OnebitError } from "../../../errors.js";
import { receiveTask } from "../../../platform/worker.js";
import { VERSION } from "../../../version.js";
import { Member } from "./member.js";
import { Runner } from "./runner.js";
import type { WorkerTask } from "./team.js";

/** A worker of a Team: sleeps until there is work, does its share, until it is terminated. */
async function work({ machine, shared, thread, ready, version }: WorkerTask): Promise<never> {
  if (version !== VERSION) {
    throw new OnebitError(
      `team-worker.js is that of onebit ${VERSION}, not ${version}: copy it anew`,
    );
  }
  const member = new Member(await Runner.instantiate(machine), shared, thread);
  Atomics.add(new Int32Array(ready), 0, 1);
  return member.rounds.serve();
}

// No await here: bundlers write workers as scripts. Thrown apart, a failure reaches the parent.
receiveTask<WorkerTask>()
  .then(work)
  .catch((error) => setTimeout(() => fail(error)));

function fail(error: unknown): never {
  throw error;
}
