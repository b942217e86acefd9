import { receiveTask } from "../../platform/worker.js";
import { serveTeam } from "../backends/wasm/serve-team.js";
import type { WorkerTask } from "../backends/wasm/team.js";
import type { ModelWorkerTask } from "./messages.js";
import { serveModels } from "./serve-models.js";

/**
 * What a worker for models does, and in browsers one for their threads: the file that it is in is sure to be there.
 * No await here: bundlers write workers as scripts. Thrown apart, a failure reaches the parent.
 */
export function serve(): void {
  receiveTask<ModelWorkerTask | WorkerTask>()
    .then((task) => ("port" in task ? serveModels(task) : serveTeam(task)))
    .catch((error) => setTimeout(() => fail(error)));
}

function fail(error: unknown): never {
  throw error;
}
