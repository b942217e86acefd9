import type { Latency } from "@onebit/train";

/** Something whose speed is measured against others. */
export interface Competitor {
  readonly engine: string;
  readonly threads: number;
  /** One run; resolves to the milliseconds that it took, by the competitor's own clock. */
  run(): Promise<number>;
}

export interface LatencyOptions {
  /** Each competitor runs this long first: V8 needs about 50 ms before a timing means something. */
  readonly warmupMs?: number;
  /** Timed runs per competitor: as many as fit the budget, within these limits. */
  readonly minRounds?: number;
  readonly maxRounds?: number;
  readonly budgetMs?: number;
  /** In its turn each runs so long, once at least, before the timed run. */
  readonly settleMs?: number;
  /** A clock in milliseconds; tests give their own. */
  readonly now?: () => number;
}

export interface MeasuredLatency extends Latency {
  readonly rounds: number;
}

/** Code that a JIT compiler counts calls of wants some, however long they take. */
const WARMUP_CALLS = 3;

/**
 * Median, 5th and 95th percentile of each competitor's time, in milliseconds. Turns go round
 * (A B C A B C ...), so that a slow moment of the machine meets all of them. A turn is a run or more
 * that bring the competitor's weights back into the caches and outlast the threads that others leave
 * spinning (20 ms, ONNX Runtime Web), then the timed one.
 */
export async function measureLatency(
  competitors: readonly Competitor[],
  options: LatencyOptions = {},
): Promise<MeasuredLatency[]> {
  const { warmupMs = 200, minRounds = 15, maxRounds = 60, budgetMs = 12_000 } = options;
  const { settleMs = 30 } = options;
  const now = options.now ?? (() => performance.now());
  for (const competitor of competitors) await runFor(competitor, warmupMs, WARMUP_CALLS, now);
  const times = competitors.map(() => [] as number[]);
  const start = now();
  for (let round = 0; round < maxRounds; round++) {
    if (round >= minRounds && now() - start >= budgetMs) break;
    for (const [i, competitor] of competitors.entries()) {
      await runFor(competitor, settleMs, 1, now);
      times[i].push(await competitor.run());
    }
  }
  return competitors.map(({ engine, threads }, i) => {
    const sorted = times[i].toSorted((a, b) => a - b);
    const [medianMs, p5Ms, p95Ms] = [0.5, 0.05, 0.95].map((q) => percentile(sorted, q));
    return { engine, threads, medianMs, p5Ms, p95Ms, rounds: sorted.length };
  });
}

async function runFor(
  { run }: Competitor,
  ms: number,
  least: number,
  now: () => number,
): Promise<void> {
  const end = now() + ms;
  for (let calls = 0; calls < least || now() < end; calls++) await run();
}

/** Nearest rank of a sorted list. */
export function percentile(sorted: readonly number[], fraction: number): number {
  const rank = Math.ceil(fraction * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))];
}

export function median(values: readonly number[]): number {
  return percentile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

/** Milliseconds that some work took by this thread's clock. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Growth of resident memory, in bytes, from now until asked; other work of the process blurs it. */
export function memoryMeter(): () => number {
  const before = process.memoryUsage.rss();
  return () => Math.max(0, process.memoryUsage.rss() - before);
}
