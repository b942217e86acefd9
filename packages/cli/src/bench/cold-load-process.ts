// What cold-load.ts starts: answers with the milliseconds of one load, or with what went wrong.
import type { BackendName, MapType } from "onebit";

async function load([path, backend, threads, maps]: readonly string[]): Promise<number> {
  const start = performance.now();
  const onebit = await import("onebit");
  const how = { backend: backend as BackendName, maps: maps as MapType | undefined };
  // Who starts this has loaded the file within a budget.
  const budget = { memory: Number.POSITIVE_INFINITY, work: Number.POSITIVE_INFINITY };
  const options = { ...how, threads: Number(threads), budget };
  using _ = await onebit.loadModel(path, options);
  return performance.now() - start;
}

process.send?.(await load(process.argv.slice(2)).catch(({ message }: Error) => message));
