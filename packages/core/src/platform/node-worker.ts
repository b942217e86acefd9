import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { OnebitError } from "../errors.js";

/** A worker thread that does not keep the process alive. The parent's flags are not passed on. */
export function startNodeWorker(
  module: URL,
  task: unknown,
  failed: (error: Error) => void,
): Worker {
  const worker = new Worker(builtModule(module), { workerData: task, execArgv: [] });
  worker.on("error", failed);
  worker.unref();
  return worker;
}

/** Node cannot run TypeScript in a worker: from sources (tests), the module's build is taken. */
function builtModule(module: URL): URL {
  const path = fileURLToPath(module);
  if (existsSync(path)) return module;
  const built = new URL(module.href.replace("/core/src/", "/core/dist/"));
  if (existsSync(fileURLToPath(built))) return built;
  throw new OnebitError(`${path} is not built: run "npm run build" first`);
}
