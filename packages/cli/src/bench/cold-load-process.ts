// What cold-load.ts starts: answers with the milliseconds of one load, or with what went wrong.
import type { BackendName } from "onebit";

async function load([path, backend, threads]: readonly string[]): Promise<number> {
  const start = performance.now();
  const onebit = await import("onebit");
  const options = { backend: backend as BackendName, threads: Number(threads) };
  using _ = await onebit.load(path, options);
  return performance.now() - start;
}

process.send?.(await load(process.argv.slice(2)).catch(({ message }: Error) => message));
