import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../../../", import.meta.url));

/**
 * Path of a reference file that users do not have (goldens, data sets), or undefined where it is
 * absent. In CI it must be there: a missing file fails instead of skipping.
 */
export function shared(path: string): string | undefined {
  const full = resolve(root, process.env.ONEBIT_SHARED ?? "../shared", path);
  if (existsSync(full)) return full;
  if (process.env.CI)
    throw new Error(`${full} is missing: set ONEBIT_SHARED to the reference data`);
  console.log(`skipped: ${full} is not here (set ONEBIT_SHARED)`);
  return undefined;
}
