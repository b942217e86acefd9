import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker, type WorkerOptions } from "node:worker_threads";
import { OnebitError } from "onebit";

/**
 * Starts a worker thread from a module of this package. `module` is seen from this folder, with
 * the ending ".js". The parent's flags are not passed on: --input-type and, in tests, the condition
 * that resolves packages to their sources would break the worker.
 */
export function startWorker(module: string, options: WorkerOptions = {}): Worker {
  return new Worker(builtUrl(module), { ...options, execArgv: [] });
}

/**
 * Where a module of this package lies that is to run in a thread or process of its own. Node cannot run
 * TypeScript there: from sources (tests), the module's build is taken.
 */
export function builtUrl(module: string): URL {
  if (!import.meta.url.endsWith(".ts")) return new URL(module, import.meta.url);
  const built = new URL(`../dist/${module}`, import.meta.url);
  if (existsSync(fileURLToPath(built))) return built;
  throw new OnebitError(`${fileURLToPath(built)} is not built: run "npm run build" first`);
}
