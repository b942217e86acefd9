import type { Latency } from "@onebit/train";

export interface Competitor {
  readonly engine: string;
  readonly backend: string;
  readonly threads: number;
  /** From the bytes of the model to the first run, which is not included. */
  readonly loadMs: number;
  run(): Promise<unknown>;
}

export interface LatencyOptions {
  /** Each competitor runs this long first: V8 needs about 50 ms before a timing means something. */
  readonly warmupMs?: number;
  /** Timed runs per competitor. */
  readonly runs?: number;
}

/**
 * Median, 5th and 95th percentile of each competitor's time, in milliseconds. Runs are interleaved,
 * so that a slow moment of the machine meets all of them.
 */
export async function measureLatency(
  competitors: readonly Competitor[],
  { warmupMs = 200, runs = 60 }: LatencyOptions = {},
): Promise<Latency[]> {
  for (const { run } of competitors) {
    const end = performance.now() + warmupMs;
    do await run();
    while (performance.now() < end);
  }
  const times = competitors.map(() => [] as number[]);
  for (let round = 0; round < runs; round++) {
    for (const [i, { run }] of competitors.entries()) {
      const start = performance.now();
      await run();
      times[i].push(performance.now() - start);
    }
  }
  return competitors.map(({ engine, threads }, i) => {
    const sorted = times[i].toSorted((a, b) => a - b);
    const [medianMs, p5Ms, p95Ms] = [0.5, 0.05, 0.95].map((q) => percentile(sorted, q));
    return { engine, threads, medianMs, p5Ms, p95Ms };
  });
}

/** Nearest rank of a sorted list. */
export function percentile(sorted: readonly number[], fraction: number): number {
  const rank = Math.ceil(fraction * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))];
}
