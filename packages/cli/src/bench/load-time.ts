import { median } from "./latency.js";

/** Loads of the same model in this process, the first included. */
const LOADS = 5;

/** Milliseconds: the median of the first load and of others, whose results are given back at once. */
export async function medianLoad(firstMs: number, again: () => Promise<number>): Promise<number> {
  const times = [firstMs];
  while (times.length < LOADS) times.push(await again());
  return median(times);
}

/** Milliseconds of a load; what it gave is given back outside of that time. */
export async function timedLoad<T>(
  load: () => Promise<T>,
  giveBack: (loaded: T) => unknown,
): Promise<number> {
  const start = performance.now();
  const loaded = await load();
  const ms = performance.now() - start;
  await giveBack(loaded);
  return ms;
}
