import { describe, expect, it } from "vitest";
import { rng, xoshiro128 } from "./random.js";

describe("xoshiro128", () => {
  it("gives what the published C code gives for state 1, 2, 3, 4", () => {
    const next = xoshiro128([1, 2, 3, 4]);
    const words = Array.from({ length: 1000 }, next);
    expect(words.slice(0, 6)).toEqual([11520, 0, 5927040, 70819200, 2031721883, 1637235492]);
    expect(words[999]).toBe(3170714187);
  });
});

describe("rng", () => {
  it("is fixed for all time", () => {
    const r = rng(1, "test", 2);
    const words = Array.from({ length: 4 }, () => r.bits());
    expect(words).toMatchInlineSnapshot(`
      [
        1900963844,
        3271102911,
        442260140,
        2853262108,
      ]
    `);
  });

  it("has independent streams per seed and purpose", () => {
    const first = (...p: (string | number)[]) => rng(7, ...p).bits();
    const streams = [
      first(),
      first(1, 23),
      first(12, 3),
      first("1", 23),
      first("1", "23"),
      first("123"),
      first("ab", "c"),
      first("a", "bc"),
      first(-1),
      first(0.5),
      rng(8).bits(),
    ];
    expect(new Set(streams).size).toBe(streams.length);
    expect(rng(7, "a", 1).bits()).toBe(rng(7, "a", 1).bits());
  });

  it("neighbouring streams are not correlated", () => {
    // First draws of 4096 consecutive streams: 64 bins, chi-square with 63 degrees of freedom.
    const bins = new Array(64).fill(0);
    let product = 0;
    for (let i = 0; i < 4096; i++) {
      const a = rng(3, "augment", i).next();
      const b = rng(3, "augment", i + 1).next();
      bins[Math.floor(a * 64)]++;
      product += (a - 0.5) * (b - 0.5) * 12;
    }
    const chi = bins.reduce((sum, n) => sum + (n - 64) ** 2 / 64, 0);
    expect(chi).toBeGreaterThan(30);
    expect(chi).toBeLessThan(110);
    expect(Math.abs(product / 4096)).toBeLessThan(0.08);
  });

  it("integer(n) is uniform and in range", () => {
    const r = rng(5);
    const counts = new Array(7).fill(0);
    for (let i = 0; i < 14_000; i++) counts[r.integer(7)]++;
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(200);
    expect(r.integer(1)).toBe(0);
    expect(r.integer(2 ** 32)).toBeLessThan(2 ** 32);
  });

  it("normal() has the moments of a normal", () => {
    const r = rng(11);
    const n = 100_000;
    const x = Float64Array.from({ length: n }, () => r.normal());
    const moment = (k: number) => x.reduce((sum, v) => sum + v ** k, 0) / n;
    expect(Math.abs(moment(1))).toBeLessThan(0.015);
    expect(moment(2)).toBeCloseTo(1, 1);
    expect(Math.abs(moment(3))).toBeLessThan(0.06);
    expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
    const within = x.filter((v) => Math.abs(v) < 1).length / n;
    expect(Math.abs(within - 0.6827)).toBeLessThan(0.01);
  });

  it("shuffle gives every permutation alike", () => {
    const counts = new Map<string, number>();
    const r = rng(13);
    for (let i = 0; i < 12_000; i++) {
      const key = r.shuffle(["a", "b", "c"]).join("");
      counts.set(key, (counts.get(key) ?? 0) + 1);
    }
    expect(counts.size).toBe(6);
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(200);
    expect(r.shuffle(Int32Array.of(1, 2, 3)).sort()).toEqual(Int32Array.of(1, 2, 3));
  });
});
