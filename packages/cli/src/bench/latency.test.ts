import { expect, it } from "vitest";
import { measureLatency, percentile } from "./latency.js";

it("percentiles are nearest ranks", () => {
  const times = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
  expect([0, 0.05, 0.5, 0.95, 1].map((q) => percentile(times, q))).toEqual([1, 1, 5, 10, 10]);
  expect(percentile([7], 0.5)).toBe(7);
});

it("warms everyone up, then lets them run in turn", async () => {
  const order: string[] = [];
  const competitor = (engine: string) => ({
    ...{ engine, backend: "none", threads: 1, loadMs: 0 },
    run: async () => order.push(engine),
  });
  const results = await measureLatency([competitor("a"), competitor("b")], {
    warmupMs: 0,
    runs: 3,
  });
  expect(order.join("")).toBe("ababab".padStart(8, "ab"));
  expect(results.map(({ engine }) => engine)).toEqual(["a", "b"]);
  for (const { p5Ms, medianMs, p95Ms } of results) {
    expect(0 <= p5Ms && p5Ms <= medianMs && medianMs <= p95Ms).toBe(true);
  }
});
