import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { OnebitError } from "onebit";

/**
 * Starts a worker thread from a module of this package. `module` is seen from this folder, with
 * the ending ".js".
 *
 * Node cannot run TypeScript in a worker. From sources (tests) the module's build in dist/ is
 * taken, and without the flags that make the parent resolve packages to their sources.
 */
export function startWorker(module: string, options: WorkerOptions = {}): Worker {
  if (!import.meta.url.endsWith(".ts"))
    return new Worker(new URL(module, import.meta.url), options);
  const built = new URL(`../dist/${module}`, import.meta.url);
  if (!existsSync(fileURLToPath(built))) {
    throw new OnebitError(`${fileURLToPath(built)} is not built: run "npm run build" first`);
  }
  return new Worker(built, { ...options, execArgv: [] });
}
