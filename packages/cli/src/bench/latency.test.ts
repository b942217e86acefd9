import fc from "fast-check";
import { expect, it } from "vitest";
import { type Competitor, measureLatency, percentile } from "./latency.js";

/** Engines on a clock of their own: each run takes the milliseconds that its list says in turn. */
function fakeEngines(durations: { readonly [engine: string]: readonly number[] }) {
  let clock = 0;
  const calls: string[] = [];
  const competitors = Object.entries(durations).map(([engine, list]): Competitor => {
    let runs = 0;
    return {
      engine,
      threads: 1,
      run: async () => {
        const ms = list[runs++ % list.length];
        calls.push(engine);
        clock += ms;
        return ms;
      },
    };
  });
  return { competitors, calls, now: () => clock };
}

it("takes the nearest rank of sorted times", () => {
  const times = Array.from({ length: 20 }, (_, i) => i + 1);
  expect([0.05, 0.5, 0.95, 1].map((q) => percentile(times, q))).toEqual([1, 10, 19, 20]);
  expect(percentile([7], 0.5)).toBe(7);
});

it("runs competitors in turns: runs that settle, one that counts", async () => {
  const { competitors, calls, now } = fakeEngines({ a: [1], b: [3] });
  const results = await measureLatency(competitors, {
    warmupMs: 0,
    settleMs: 3,
    maxRounds: 3,
    minRounds: 3,
    now,
  });
  expect(calls.join("")).toBe(`aaabbb${"aaaabb".repeat(3)}`);
  expect(results.map(({ engine, medianMs, rounds }) => [engine, medianMs, rounds])).toEqual([
    ["a", 1, 3],
    ["b", 3, 3],
  ]);
});

it("warms up for the time asked, and stops when the budget is spent", async () => {
  const { competitors, calls, now } = fakeEngines({ a: [10], b: [20] });
  const limits = { warmupMs: 200, minRounds: 2, maxRounds: 100, budgetMs: 600, settleMs: 1, now };
  const results = await measureLatency(competitors, limits);
  // 20 + 10 runs of warm-up, then rounds of 60 ms.
  expect(calls.length).toBe(30 + 4 * 10);
  expect(results.map(({ rounds }) => rounds)).toEqual([10, 10]);
});

it.each([
  // 200 ms of warm-up, then turns of 30 ms that settle and the timed run.
  ["quick runs: 60 times", 1, 200 + 60 * 31, 60],
  ["slow ones: for 12 seconds", 200, 3 * 200 + 30 * 400, 30],
  ["the slowest: 15 times", 1000, 3 * 1000 + 15 * 2000, 15],
])("measures by itself %s", async (_, ms, milliseconds, rounds) => {
  const { competitors, now } = fakeEngines({ a: [ms] });
  const [a] = await measureLatency(competitors, { now });
  expect([now(), a.rounds]).toEqual([milliseconds, rounds]);
});

it("counts only the second run of a turn, by the engine's own clock", async () => {
  const warm = [5, 5, 5];
  const { competitors, now } = fakeEngines({ a: [...warm, 100, 1, 100, 3, 100, 2] });
  const [a] = await measureLatency(competitors, { warmupMs: 0, minRounds: 3, maxRounds: 3, now });
  expect([a.p5Ms, a.medianMs, a.p95Ms]).toEqual([1, 2, 3]);
});

it("orders percentiles whatever the times", () =>
  fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0.001, max: 1e3, noNaN: true }), { minLength: 1, maxLength: 40 }),
      async (list) => {
        const { competitors, now } = fakeEngines({ a: list });
        const [a] = await measureLatency(competitors, { warmupMs: 1, maxRounds: 20, now });
        expect(a.p5Ms).toBeLessThanOrEqual(a.medianMs);
        expect(a.medianMs).toBeLessThanOrEqual(a.p95Ms);
        expect(list).toContain(a.medianMs);
      },
    ),
    { numRuns: 50 },
  ));
