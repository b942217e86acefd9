import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import { sigmoid } from "../../../program/math.js";
import { COMPUTING_NAMES } from "../../../program/micro-ops.js";
import type { MicroOp, Program, ProgramTensors } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import {
  expectSameFloats,
  floatTensor,
  type Shape,
  singleOp,
  value,
} from "../../../test-support/packed-step.js";
import { wasm } from "./index.js";

const f = Math.fround;
const SPECIAL = [
  ...[0, -0, 1e-42, -1e-42, 3e38, -3e38, Infinity, -Infinity, NaN, 1, -1, 6, -3, 3],
  ...[0.5, -0.5, 1.5, -2.5, 4194303.5, 8388607.5, -8388608, 16777216],
];

interface Operands {
  /** x: the input, y: a second map, v: a vector, s, t: per-channel tensors. */
  readonly x: number;
  readonly y: number;
  readonly v: number;
  readonly s: number;
  readonly t: number;
}

/** NaN has none: 0. */
function positivePart(x: number): number {
  if (x > 0) return x;
  return 0;
}

/** The second where neither is. */
function larger(x: number, y: number): number {
  if (x > y) return x;
  return y;
}

/** float64 sums at 2^52 have no fractions. */
const halfToEven = (x: number) => (Math.abs(x) < 2 ** 51 ? x + 1.5 * 2 ** 52 - 1.5 * 2 ** 52 : x);

/** Registers: 0 is x, 1 is y, 2 is v; the op under test defines 3. */
const FORMULAS: readonly [string, MicroOp, (o: Operands) => number][] = [
  ["affine", ["affine", 0, "s", "t"], ({ x, s, t }) => f(f(x * s) + t)],
  ["shift", ["shift", 0, "t"], ({ x, t }) => f(x + t)],
  ["scale", ["scale", 0, "s"], ({ x, s }) => f(x * s)],
  ["prelu", ["prelu", 0, "s"], ({ x, s }) => (x > 0 ? x : f(x * s))],
  ["relu", ["relu", 0], ({ x }) => positivePart(x)],
  ["sigmoid", ["sigmoid", 0], ({ x }) => sigmoid(x)],
  [
    "hard-sigmoid",
    ["hard-sigmoid", 0],
    ({ x }) => f(Math.min(Math.max(f(x + 3), 0), 6) * f(1 / 6)),
  ],
  ["clamp", ["clamp", 0, -1.5, 2.5], ({ x }) => Math.min(Math.max(x, -1.5), 2.5)],
  ["clamp the wrong way round", ["clamp", 0, 1, -1], ({ x }) => (x < 1 ? 1 : -1)],
  ["add", ["add", 0, 1], ({ x, y }) => f(x + y)],
  ["add a vector", ["add", 2, 0], ({ x, v }) => f(v + x)],
  ["mul", ["mul", 0, 1], ({ x, y }) => f(x * y)],
  ["mul by a vector", ["mul", 0, 2], ({ x, v }) => f(x * v)],
  ["mix", ["mix", 0, 1, "s"], ({ x, y, s }) => f(f(s * x) + f(f(1 - s) * y))],
  ["sign", ["sign", 0, "t", -1], ({ x, t }) => (x > t ? 1 : -1)],
  ["sign, with what is equal", ["sign", 0, "t", 1], ({ x, t }) => (x >= t ? 1 : -1)],
  ["max", ["max", 0, 1], ({ x, y }) => larger(x, y)],
  ["min of a vector", ["min", 2, 0], ({ x, v }) => -larger(-v, -x)],
  ["round", ["round", 0], ({ x }) => halfToEven(x)],
];

it("has a formula for every micro-op that computes", () => {
  expect(new Set(FORMULAS.map(([, op]) => op[0]))).toEqual(new Set(COMPUTING_NAMES));
});

const shapes: fc.Arbitrary<Shape> = fc.tuple(
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 70 }),
);

function draw(count: number, random: () => number, special: boolean): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const pick = Math.floor(random() * SPECIAL.length * 2);
    return special && pick < SPECIAL.length ? SPECIAL[pick] : (random() - 0.5) * 10;
  });
}

async function runOn(program: Program, tensors: ProgramTensors, x: Float32Array, count = 1) {
  checkProgram(program, tensors);
  const executable = await wasm.compile(program, tensors, { threads: 1 });
  const outputs = await executable.run(x, count);
  executable.dispose();
  return outputs;
}

/** x, y and v from one image, by pools of one pixel; y and v shifted, so that they differ from x. */
function cutOut([height, width, channels]: Shape, op: MicroOp): Program {
  const shape: Shape = [height, width, channels];
  const values = [
    value("image", "map", [height, width * 2, channels]),
    value("y", "map", shape),
    value("v", "vector", [1, 1, channels]),
    value("x", "map", shape),
    value("result", "map", shape),
  ];
  const pool = { kind: "pool", mode: "max", covers: [], padding: [0, 0], input: 0 } as const;
  return {
    values,
    input: 0,
    steps: [
      { ...pool, kernel: [1, 1], stride: [1, 2], epilogue: [["store", 0, 3, 0]] },
      {
        ...pool,
        mode: "average",
        kernel: [1, 1],
        stride: [1, 2],
        epilogue: [
          ["shift", 0, "delta"],
          ["store", 1, 1, 0],
        ],
      },
      {
        ...pool,
        kernel: [1, 1],
        stride: [height, width * 2],
        epilogue: [
          ["shift", 0, "delta"],
          ["store", 1, 2, 0],
        ],
      },
      {
        kind: "pointwise",
        covers: [],
        input: 3,
        epilogue: [["load", 1], ["load", 2], op, ["store", 3, 4, 0]],
      },
    ],
    outputs: { x: 3, y: 1, v: 2, result: 4 },
  };
}

describe("element-wise micro-ops", () => {
  it.each(FORMULAS)("%s", async (_, op, formula) => {
    const check = fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
      const random = randomStream(seed);
      const channels = shape[2];
      const image = draw(shape[0] * shape[1] * 2 * channels, random, true);
      const [s, t, delta] = [0, 0, 0].map(() => draw(channels, random, false));
      const tensors = { s: floatTensor(s), t: floatTensor(t), delta: floatTensor(delta) };
      const { x, y, v, result } = await runOn(cutOut(shape, op), tensors, image);
      const expected = x.map((_, i) => {
        const c = i % channels;
        return formula({ x: x[i], y: y[i], v: v[c], s: s[c], t: t[c] });
      });
      expectSameFloats(result, expected, op[0]);
    });
    await fc.assert(check, { numRuns: 60 });
  });

  it("sigmoid is the shared one over the whole range of float32", async () => {
    const random = randomStream(1);
    const x = Float32Array.from({ length: 20_000 }, (_, i) =>
      i < 10_000 ? (random() - 0.5) * 2000 : (random() - 0.5) * 40,
    );
    const program = singleOp(["sigmoid", 0], [100, 50, 4]);
    expectSameFloats((await runOn(program, {}, x)).y, x.map(sigmoid), "sigmoid");
  });
});

describe("bits", () => {
  const cases = fc.record({
    shape: shapes,
    zero: fc.constantFrom(-1 as const, 1 as const),
    other: fc.integer({ min: 0, max: 70 }),
    seed: fc.nat(),
  });

  it("compares with the threshold, NaN below, and comes back as -1 and +1", async () => {
    const check = fc.asyncProperty(cases, async ({ shape, zero, seed }) => {
      const random = randomStream(seed);
      const x = draw(shape[0] * shape[1] * shape[2], random, true);
      const t = Float32Array.from(
        { length: shape[2] },
        () => SPECIAL[Math.floor(random() * 2) * 9],
      );
      const program: Program = {
        values: [value("x", "map", shape), value("b", "bits", shape), value("y", "map", shape)],
        input: 0,
        steps: [
          { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "t", 1, 0, zero]] },
          { kind: "pointwise", covers: [], input: 1, epilogue: [["store", 0, 2, 0]] },
        ],
        outputs: { y: 2 },
      };
      const expected = x.map((r, i) => {
        const threshold = t[i % shape[2]];
        return (zero === 1 ? r >= threshold : r > threshold) ? 1 : -1;
      });
      expectSameFloats((await runOn(program, { t: floatTensor(t) }, x)).y, expected, "bits");
    });
    await fc.assert(check, { numRuns: 300 });
  });

  it("writes slices in any order at any offset, and leaves their neighbours alone", async () => {
    const check = fc.asyncProperty(shapes, fc.boolean(), fc.nat(), async (shape, reverse, seed) => {
      const [height, width, c] = shape;
      const x = draw(height * width * c, randomStream(seed), true);
      const slices = [0, 1, 2].map((k): MicroOp => ["bits", 0, `t${k}`, 1, k * c, -1]);
      const stores = [0, 1, 2].map((k): MicroOp => ["store", 0, 2, k * c]);
      const epilogue = [...(reverse ? slices.reverse() : slices), ...stores];
      const wide = [height, width, 3 * c] as const;
      const program: Program = {
        values: [
          value("x", "map", shape),
          value("b", "bits", wide),
          value("m", "map", wide),
          value("y", "map", wide),
        ],
        input: 0,
        steps: [
          { kind: "pointwise", covers: [], input: 0, epilogue },
          { kind: "pointwise", covers: [], input: 1, epilogue: [["store", 0, 3, 0]] },
        ],
        outputs: { m: 2, y: 3 },
      };
      const thresholds = [-1, 0, 1];
      const tensors = Object.fromEntries(
        thresholds.map((t, k) => [`t${k}`, floatTensor(new Float32Array(c).fill(t))]),
      );
      const { m, y } = await runOn(program, tensors, x);
      const source = (i: number) => x[Math.floor(i / (3 * c)) * c + (i % c)];
      const slice = (i: number) => Math.floor((i % (3 * c)) / c);
      expectSameFloats(
        m,
        m.map((_, i) => source(i)),
        "stored slices",
      );
      expectSameFloats(
        y,
        y.map((_, i) => (source(i) > thresholds[slice(i)] ? 1 : -1)),
        "bits",
      );
    });
    await fc.assert(check, { numRuns: 300 });
  });
});

describe("mean", () => {
  it("sums rows in float32, adds them in float64", async () => {
    const check = fc.asyncProperty(shapes, fc.nat(), async (shape, seed) => {
      const [height, width, channels] = shape;
      const random = randomStream(seed);
      const x = Float32Array.from(
        { length: height * width * channels },
        () => (random() - 0.5) * 10 ** (4 * random()),
      );
      const program: Program = {
        values: [value("x", "map", shape), value("m", "vector", [1, 1, channels])],
        input: 0,
        steps: [{ kind: "pointwise", covers: [], input: 0, epilogue: [["mean", 0, 1, 0]] }],
        outputs: { m: 1 },
      };
      const expected = Float32Array.from({ length: channels }, (_, c) => {
        let total = 0;
        for (let row = 0; row < height; row++) {
          let sum = 0;
          for (let i = 0; i < width; i++) sum = f(sum + x[(row * width + i) * channels + c]);
          total += sum;
        }
        return total / (height * width);
      });
      expectSameFloats((await runOn(program, {}, x)).m, expected, "mean");
    });
    await fc.assert(check, { numRuns: 200 });
  });
});

describe("run", () => {
  const program: Program = {
    values: [value("x", "map", [2, 3, 5]), value("y", "map", [2, 3, 5])],
    input: 0,
    steps: [
      {
        kind: "pointwise",
        covers: [],
        input: 0,
        epilogue: [
          ["relu", 0],
          ["store", 1, 1, 0],
        ],
      },
    ],
    outputs: { y: 1, x: 0 },
  };

  it("takes images one after another, and says how long each step took", async () => {
    const x = draw(3 * 30, randomStream(2), false);
    const executable = await wasm.compile(program, {}, { threads: 1 });
    const outputs = await executable.run(x, 3);
    expectSameFloats(
      outputs.y,
      x.map((v) => Math.max(v, 0)),
      "y",
    );
    expectSameFloats(outputs.x, x, "x");
    expect(executable.profile?.()).toHaveLength(1);
  });

  it("refuses what is no image, and to run after dispose", async () => {
    const executable = await wasm.compile(program, {}, { threads: 1 });
    await expect(executable.run(new Float32Array(29), 1)).rejects.toThrow(
      /1 x 30 numbers wanted, 29/,
    );
    executable.dispose();
    await expect(executable.run(new Float32Array(30), 1)).rejects.toThrow(/disposed/);
  });
});
