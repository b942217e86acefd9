import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { COMPUTING_NAMES } from "../../../program/micro-ops.js";
import type { MicroOp, Program, ProgramTensors, ProgramValue } from "../../../program/types.js";
import { floatTensor } from "../../../test-support/packed-step.js";
import { createContext, runStep, runValues } from "./program.js";

const f = Math.fround;
const CHANNELS = 3;
const float = fc.float({ min: -100, max: 100, noNaN: true });
const vector = fc.array(float, { minLength: CHANNELS, maxLength: CHANNELS });
const map = fc.array(float, { minLength: 4 * CHANNELS, maxLength: 4 * CHANNELS });

/** x [2, 2, 3] and its pointwise epilogue; value 1 is a map of the same shape, 2 a vector. */
function run(
  epilogue: readonly MicroOp[],
  x: readonly number[],
  tensors: ProgramTensors = {},
  output: ProgramValue = { name: "y", kind: "map", shape: [2, 2, CHANNELS] },
): readonly number[] {
  const program: Program = {
    values: [{ name: "x", kind: "map", shape: [2, 2, CHANNELS] }, output],
    input: 0,
    steps: [{ kind: "pointwise", covers: [], input: 0, epilogue }],
    outputs: {},
  };
  return [...runValues(program, tensors, Float32Array.from(x))[1]];
}

const store: MicroOp = ["store", 1, 1, 0];

/** float64 sums at 2^52 have no fractions. */
const halfToEven = (x: number) => (Math.abs(x) < 2 ** 51 ? x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52 : x);
const t = (values: readonly number[]) => floatTensor(Float32Array.from(values));

describe("micro-ops", () => {
  /** Each by its formula, once per element: s and t are the channel's numbers. */
  const formulas: [string, MicroOp, (r: number, s: number, t: number) => number][] = [
    ["affine", ["affine", 0, "s", "t"], (r, s, t) => f(f(r * s) + t)],
    ["shift", ["shift", 0, "t"], (r, _, t) => f(r + t)],
    ["scale", ["scale", 0, "s"], (r, s) => f(r * s)],
    ["prelu", ["prelu", 0, "s"], (r, s) => (r > 0 ? r : f(r * s))],
    ["relu", ["relu", 0], (r) => Math.max(r, 0)],
    ["clamp", ["clamp", 0, -1, 6], (r) => Math.min(Math.max(r, -1), 6)],
    ["hard-sigmoid", ["hard-sigmoid", 0], (r) => f(Math.min(Math.max(f(r + 3), 0), 6) * f(1 / 6))],
    ["add", ["add", 0, 0], (r) => f(r + r)],
    ["mul", ["mul", 0, 0], (r) => f(r * r)],
    ["mix", ["mix", 0, 0, "s"], (r, s) => f(f(s * r) + f(f(1 - s) * r))],
    ["sign", ["sign", 0, "t", -1], (r, _, t) => (r > t ? 1 : -1)],
    ["sign", ["sign", 0, "s", 1], (r, s) => (r >= s ? 1 : -1)],
    ["max", ["max", 0, 0], (r) => r],
    ["min", ["min", 0, 0], (r) => r],
    ["round", ["round", 0], (r) => halfToEven(r)],
  ];
  it("have a formula each", () => {
    const named = [...formulas.map(([, op]) => op[0]), "sigmoid"];
    expect(new Set(named)).toEqual(new Set(COMPUTING_NAMES));
  });
  it.each(formulas)("%s", (_, op, formula) => {
    fc.assert(
      fc.property(map, vector, vector, (x, s, shift) => {
        const expected = x.map((r, i) => formula(r, s[i % CHANNELS], shift[i % CHANNELS]));
        const actual = run([op, store], x, { s: t(s), t: t(shift) });
        expect(actual.map((y) => y + 0)).toEqual(expected.map((y) => y + 0));
      }),
    );
  });

  it("sigmoid", () => {
    const x = [-80, -3, -1, -0.5, 0, 0.5, 1, 3, 80, 1e-3, 20, -20];
    const y = run([["sigmoid", 0], store], x);
    y.forEach((value, i) => {
      expect(value).toBeCloseTo(1 / (1 + Math.exp(-x[i])), 7);
    });
  });

  it.each(["map", "bits", "vector"] as const)("load: a %s of fewer channels repeats", (kind) => {
    const [pixels, channels, times] = [6, 32, 3];
    const program: Program = {
      values: [
        { name: "x", kind: "map", shape: [2, 3, times * channels] },
        { name: "narrow", kind, shape: kind === "vector" ? [1, 1, channels] : [2, 3, channels] },
        { name: "y", kind: "map", shape: [2, 3, times * channels] },
      ],
      input: 0,
      steps: [
        {
          kind: "pointwise",
          covers: [],
          input: 0,
          epilogue: [
            ["load", 1],
            ["store", 1, 2, 0],
          ],
        },
      ],
      outputs: {},
    };
    const context = createContext(program, {});
    context.values[1].forEach((_, i) => {
      context.values[1][i] = kind === "bits" ? (i % 7 < 3 ? 1 : -1) : i;
    });
    runStep(context, program.steps[0]);
    for (let pixel = 0; pixel < pixels; pixel++)
      for (let c = 0; c < times * channels; c++) {
        const from = kind === "vector" ? 0 : pixel * channels;
        const expected = context.values[1][from + (c % channels)];
        expect(context.values[2][pixel * times * channels + c]).toBe(expected);
      }
  });

  it("bits: above the threshold, or at it where zero counts as +1", () => {
    const signs = { name: "y", kind: "bits", shape: [2, 2, CHANNELS] } as const;
    const x = [1, 2, 3, 1.5, 2.5, 3.5, 0, 0, 0, -1, -2, -3];
    const at = (zero: 1 | -1) => run([["bits", 0, "t", 1, 0, zero]], x, { t: t([1, 2, 3]) }, signs);
    expect(at(-1)).toEqual([-1, -1, -1, 1, 1, 1, -1, -1, -1, -1, -1, -1]);
    expect(at(1)).toEqual([1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1]);
  });

  it("stores into a slice of wider values", () => {
    const wide = { name: "y", kind: "map", shape: [2, 2, 5] } as const;
    const x = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    expect(run([["store", 0, 1, 1]], x, {}, wide)).toEqual([
      0, 1, 2, 3, 0, 0, 4, 5, 6, 0, 0, 7, 8, 9, 0, 0, 10, 11, 12, 0,
    ]);
  });

  it("mean-2x2: summed from 0, row by row, in float32, divided by 4", () => {
    const means = { name: "y", kind: "map", shape: [1, 1, CHANNELS] } as const;
    const y = run(
      [["mean-2x2", 0, 1, 0]],
      [1, -0, 2 ** 24, 2, -0, 1, 3, -0, 1, 4, -0, 1],
      {},
      means,
    );
    // 2^24 + 1 is no float32 number: each 1 is lost.
    expect(y).toEqual([2.5, 0, 2 ** 22]);
  });

  it("mean: rows in float32, their sums in float64, one division", () => {
    const mean = { name: "y", kind: "vector", shape: [1, 1, CHANNELS] } as const;
    const big = 2 ** 24;
    // Channel 0: big + 1 is lost in a row of float32. Channel 1: across rows it is not.
    const x = [big, big, 0.1, 1, 0, 0.2, 0, 1, 0.3, 0, 0, 0.4];
    const y = run([["mean", 0, 1, 0]], x, {}, mean);
    const rows = f(f(0.1) + f(0.2)) + f(f(0.3) + f(0.4));
    expect(y).toEqual([big / 4, (big + 1) / 4, f(rows / 4)].map(f));
  });

  it("loads maps, vectors and bits, registers keep what a write passed on", () => {
    const program: Program = {
      values: [
        { name: "x", kind: "map", shape: [2, 2, CHANNELS] },
        { name: "signs", kind: "bits", shape: [2, 2, CHANNELS] },
        { name: "mean", kind: "vector", shape: [1, 1, CHANNELS] },
        { name: "y", kind: "map", shape: [2, 2, CHANNELS] },
        { name: "twice", kind: "map", shape: [2, 2, CHANNELS] },
      ],
      input: 0,
      steps: [
        {
          kind: "pointwise",
          covers: [],
          input: 0,
          epilogue: [
            ["bits", 0, "zeros", 1, 0, -1],
            ["mean", 1, 2, 0],
            ["add", 2, 0],
            ["store", 3, 4, 0],
          ],
        },
        {
          kind: "pointwise",
          covers: [],
          input: 1,
          epilogue: [
            ["load", 0],
            ["mul", 0, 1],
            ["load", 2],
            ["add", 2, 3],
            ["load", 1],
            ["add", 4, 5],
            ["store", 6, 3, 0],
          ],
        },
      ],
      outputs: {},
    };
    const x = Float32Array.of(1, -2, 3, -4, 5, -6, 7, -8, 9, -10, 11, -12);
    const values = runValues(program, { zeros: t([0, 0, 0]) }, x);
    const means = [-6 / 4, 6 / 4, -6 / 4];
    const signs = [...x].map((v) => (v > 0 ? 1 : -1));
    expect([...values[1]]).toEqual(signs);
    expect([...values[2]]).toEqual(means);
    expect([...values[4]]).toEqual([...x].map((v) => 2 * v));
    const y = [...x].map((v, i) => Math.abs(v) + means[i % CHANNELS] + signs[i]);
    expect([...values[3]]).toEqual(y);
  });
});
