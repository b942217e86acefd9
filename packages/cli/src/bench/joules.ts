import type { EnergyCounter } from "../energy/rapl.js";
import { type Competitor, median } from "./latency.js";

/** How long each runs in its turn, and how often turns go round: counters move about once a millisecond. */
export interface JoulesOptions {
  readonly turnMs?: number;
  readonly rounds?: number;
  readonly now?: () => number;
}

/** Median joules of a run of each competitor, in turns; all that the processor does meanwhile counts. */
export async function measureJoules(
  competitors: readonly Competitor[],
  counter: EnergyCounter,
  { turnMs = 400, rounds = 5, now = () => performance.now() }: JoulesOptions = {},
): Promise<number[]> {
  const joules = competitors.map(() => [] as number[]);
  for (let round = 0; round < rounds; round++) {
    for (const [i, { run }] of competitors.entries()) {
      const before = await counter.read();
      const end = now() + turnMs;
      let runs = 0;
      while (runs === 0 || now() < end) {
        await run();
        runs++;
      }
      joules[i].push(((await counter.read()) - before) / runs);
    }
  }
  return joules.map(median);
}
