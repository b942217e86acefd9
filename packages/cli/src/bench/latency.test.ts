import { expect, it } from "vitest";
import { measureLatency, percentile } from "./latency.js";

it("takes the nearest rank of sorted times", () => {
  const times = Array.from({ length: 20 }, (_, i) => i + 1);
  expect([0.05, 0.5, 0.95, 1].map((q) => percentile(times, q))).toEqual([1, 10, 19, 20]);
  expect(percentile([7], 0.5)).toBe(7);
});

it("runs competitors in turns, after a warm-up of each", async () => {
  const calls: string[] = [];
  const competitor = (engine: string) => ({
    engine,
    backend: engine,
    threads: 1,
    loadMs: 0,
    run: async () => calls.push(engine),
  });
  const results = await measureLatency([competitor("a"), competitor("b")], {
    warmupMs: 0,
    runs: 3,
  });
  expect(calls.join("")).toBe("abababab");
  expect(results.map(({ engine }) => engine)).toEqual(["a", "b"]);
  for (const { p5Ms, medianMs, p95Ms } of results) {
    expect(p5Ms).toBeLessThanOrEqual(medianMs);
    expect(medianMs).toBeLessThanOrEqual(p95Ms);
  }
});
