import { OnebitError } from "../errors.js";
import { importNative } from "../runtime/backends/native/index.js";
import type { DistanceEngine } from "./engine.js";

/** That of the package @onebit/native. OnebitError where it cannot be had. */
export async function loadNative(): Promise<DistanceEngine> {
  const found = await importNative<{ distances: DistanceEngine }>();
  if ("reason" in found) throw new OnebitError(`native: ${found.reason}`);
  return found.module.distances;
}
