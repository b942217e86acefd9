import { receiveTask } from "../../../platform/worker.js";
import { serveTeam } from "./serve-team.js";
import type { WorkerTask } from "./team.js";

// No await here: bundlers write workers as scripts. Thrown apart, a failure reaches the parent.
receiveTask<WorkerTask>()
  .then(serveTeam)
  .catch((error) => setTimeout(() => fail(error)));

function fail(error: unknown): never {
  throw error;
}
