import { OnebitError } from "../../../errors.js";
import { VERSION } from "../../../version.js";
import { Member } from "./member.js";
import { Runner } from "./runner.js";
import type { WorkerTask } from "./team.js";

/** In a worker of a Team: sleeps until there is work, does its share, until it is terminated. */
export async function serveTeam(task: WorkerTask): Promise<never> {
  const { machine, shared, thread, ready, version } = task;
  if (version !== VERSION) {
    throw new OnebitError(
      `team-worker.js is that of onebit ${VERSION}, not ${version}: copy it anew`,
    );
  }
  const member = new Member(await Runner.instantiate(machine), shared, thread);
  Atomics.add(new Int32Array(ready), 0, 1);
  return member.rounds.serve();
}
