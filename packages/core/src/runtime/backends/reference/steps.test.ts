import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { opNamed } from "../../../ops/index.js";
import { outputShape } from "../../../program/geometry.js";
import type { Step } from "../../../program/types.js";
import {
  bitTensor,
  floatTensor,
  type Shape,
  singleBitStep,
  singleStep,
} from "../../../test-support/packed-step.js";
import { runValues } from "./program.js";

const f = Math.fround;
const context = { mode: "inference", array: (n: number) => new Float64Array(n) } as const;

interface Geometry {
  readonly input: Shape;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
  readonly out: number;
}

/** Any geometry that leaves an output: images smaller than the kernel, channels of any number. */
const geometry: fc.Arbitrary<Geometry> = fc
  .record({
    size: fc.tuple(fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 7 })),
    kernel: fc.tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 4 })),
    stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
    padding: fc.tuple(fc.nat(3), fc.nat(3)),
    groups: fc.integer({ min: 1, max: 3 }),
    ins: fc.integer({ min: 1, max: 11 }),
    outs: fc.integer({ min: 1, max: 5 }),
  })
  .filter(({ size, kernel, padding }) => [0, 1].every((i) => size[i] + 2 * padding[i] >= kernel[i]))
  .map(({ size, ins, outs, ...rest }) => ({
    ...rest,
    input: [size[0], size[1], ins * rest.groups] as const,
    out: outs * rest.groups,
  }));

const shapeOf = ({ input, ...step }: Geometry): Shape =>
  outputShape({ values: [{ name: "x", kind: "map", shape: input }] }, {
    kind: "conv",
    input: 0,
    ...step,
  } as unknown as Step);

/** [H, W, C] to [1, C, H, W]. */
function channelsFirst(data: ArrayLike<number>, [h, w, c]: Shape) {
  const planes = new Float64Array(h * w * c);
  for (let i = 0; i < h * w; i++)
    for (let k = 0; k < c; k++) planes[k * h * w + i] = data[i * c + k];
  return { shape: [1, c, h, w], data: planes };
}

/** [O, KH, KW, I] to [O, I, KH, KW]. */
function weightsFirst(data: ArrayLike<number>, { out, kernel, input, groups }: Geometry) {
  const [positions, ins] = [kernel[0] * kernel[1], input[2] / groups];
  const weights = new Float64Array(data.length);
  for (let o = 0; o < out; o++)
    for (let p = 0; p < positions; p++)
      for (let i = 0; i < ins; i++) {
        weights[(o * ins + i) * positions + p] = data[(o * positions + p) * ins + i];
      }
  return { shape: [out, ins, ...kernel], data: weights };
}

const numbers = (seed: number, count: number, of: (i: number) => number) =>
  Float32Array.from({ length: count }, (_, i) => of(Math.imul(i + 1, seed * 2 + 1) >>> 7));
const size = (shape: readonly number[]) => shape.reduce((n, dim) => n * dim, 1);

describe("binary-conv", () => {
  it("gives the integers of the graph's op, for every geometry and padValue", () => {
    fc.assert(
      fc.property(geometry, fc.constantFrom(0, 1, -1), fc.nat(1e6), (g, padValue, seed) => {
        const { input, ...window } = g;
        const x = numbers(seed, size(input), (i) => (i % 3 ? 1 : -1));
        const count = (g.out * g.kernel[0] * g.kernel[1] * input[2]) / g.groups;
        const w = numbers(seed + 1, count, (i) => (i % 2 ? 1 : -1));
        const shape = shapeOf(g);
        const step = { kind: "binary-conv", ...window, padValue, weight: "w" } as const;
        const tensors = {
          zeros: floatTensor(new Float32Array(input[2])),
          w: bitTensor([...w], g.out),
        };
        const y = runValues(singleBitStep(step, input, shape), tensors, x)[2];
        const [expected] = opNamed("binary-conv").evaluate(
          [channelsFirst(x, input), weightsFirst(w, g)],
          { ...window, padValue },
          context,
        );
        expect(channelsFirst(y, shape)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });
});

describe("conv, linear and pools", () => {
  it("conv is the graph's op", () => {
    fc.assert(
      fc.property(geometry, fc.nat(1e6), (g, seed) => {
        const { input, ...window } = g;
        // Small whole numbers: float32 sums are exact, whatever their order.
        const x = numbers(seed, size(input), (i) => (i % 17) - 8);
        const count = (g.out * g.kernel[0] * g.kernel[1] * input[2]) / g.groups;
        const w = numbers(seed + 1, count, (i) => (i % 13) - 6);
        const shape = shapeOf(g);
        const program = singleStep({ kind: "conv", ...window, weight: "w" }, input, shape);
        const dims = [g.out, ...g.kernel, input[2] / g.groups];
        const y = runValues(program, { w: floatTensor(w, dims) }, x)[1];
        const [expected] = opNamed("conv").evaluate(
          [channelsFirst(x, input), weightsFirst(w, g)],
          window,
          context,
        );
        expect(channelsFirst(y, shape)).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  it.each(["max", "average"] as const)("%s pooling is the graph's op", (mode) => {
    const pooled = geometry.filter(({ kernel, padding }) =>
      [0, 1].every((i) => 2 * padding[i] <= kernel[i]),
    );
    fc.assert(
      fc.property(pooled, fc.nat(1e6), ({ input, kernel, stride, padding, ...g }, seed) => {
        const x = numbers(seed, size(input), (i) => (i % 17) - 8);
        const shape = [...shapeOf({ input, kernel, stride, padding, ...g }).slice(0, 2), input[2]];
        const step = { kind: "pool", mode, kernel, stride, padding } as const;
        const y = runValues(singleStep(step, input, shape as never), {}, x)[1];
        const attrs = { kernel, stride, padding };
        const [expected] = opNamed(`${mode}-pool`).evaluate(
          [channelsFirst(x, input)],
          attrs,
          context,
        );
        expect(channelsFirst(y, shape as never).data.map(f)).toEqual(expected.data.map(f));
      }),
      { numRuns: 200 },
    );
  });

  it("adds in the stated order, in float32", () => {
    const linear = { kind: "linear", out: 1, weight: "w" } as const;
    const program = {
      ...singleStep(linear, [1, 1, 4], [1, 1, 1]),
      values: [
        { name: "x", kind: "vector", shape: [1, 1, 4] },
        { name: "y", kind: "vector", shape: [1, 1, 1] },
      ],
    } as const;
    const w = floatTensor(Float32Array.of(1, 1, 1, 1), [1, 4]);
    const run = (...x: number[]) => runValues(program, { w }, Float32Array.from(x))[1][0];
    expect(run(2 ** 24, 1, 1, -(2 ** 24))).toBe(0);
    expect(run(1, 1, 2 ** 24, -(2 ** 24))).toBe(2);
    const third = f(1 / 3);
    const products = floatTensor(Float32Array.of(third, third, third, third), [1, 4]);
    const exact = runValues(program, { w: products }, Float32Array.of(third, 1, 1, 1))[1][0];
    expect(exact).toBe(f(f(f(f(third * third) + third) + third) + third));
  });

  it("convolves in the order ky, kx, channel, groups apart", () => {
    const conv = {
      kind: "conv",
      out: 1,
      kernel: [2, 2],
      stride: [1, 1],
      padding: [0, 0],
      groups: 1,
      weight: "w",
    } as const;
    const program = singleStep(conv, [2, 2, 2], [1, 1, 1]);
    const w = floatTensor(new Float32Array(8).fill(1), [1, 2, 2, 2]);
    const run = (x: number[]) => runValues(program, { w }, Float32Array.from(x))[1][0];
    // Big, small, small, -big survives only at the front of the order.
    expect(run([1, 1, 2 ** 24, -(2 ** 24), 0, 0, 0, 0])).toBe(2);
    expect(run([2 ** 24, 1, 1, -(2 ** 24), 0, 0, 0, 0])).toBe(0);
    expect(run([0, 0, 1, 1, 2 ** 24, -(2 ** 24), 0, 0])).toBe(2);
  });
});
