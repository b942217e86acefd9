import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";

/**
 * URL of a module that a worker thread can load. `relative` is seen from this folder, with the
 * ending ".js". Node cannot run TypeScript in a worker, so from sources (tests) the built file in
 * dist/ is taken: the same module, compiled by `npm run build`.
 */
export function workerUrl(relative: string): URL {
  if (!import.meta.url.endsWith(".ts")) return new URL(relative, import.meta.url);
  const built = new URL(`../dist/${relative}`, import.meta.url);
  if (existsSync(fileURLToPath(built))) return built;
  throw new OnebitError(`${fileURLToPath(built)} is not built: run "npm run build" first`);
}
