import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { OnebitError } from "onebit";

/**
 * A module for a worker or a process of its own, by its URL beside the caller's. Node cannot run
 * TypeScript there: from sources (tests), its build is taken.
 */
export function builtModule(name: string, caller: string): URL {
  const url = new URL(name, caller);
  if (!caller.endsWith(".ts")) return url;
  const built = new URL(url.href.replace("/cli/src/", "/cli/dist/"));
  if (existsSync(fileURLToPath(built))) return built;
  throw new OnebitError(`${fileURLToPath(built)} is not built: run "npm run build" first`);
}
