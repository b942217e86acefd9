import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import { floatTensor, type Shape, singleStep, value } from "../../../test-support/packed-step.js";
import { wasm } from "./index.js";

const { fround } = Math;

interface Window {
  readonly input: Shape;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

interface Case extends Window {
  readonly groups: number;
  readonly out: number;
  readonly seed: number;
}

const pair = (arbitrary: fc.Arbitrary<number>) => fc.tuple(arbitrary, arbitrary);

const windows = {
  size: pair(fc.integer({ min: 1, max: 9 })),
  kernel: pair(fc.integer({ min: 1, max: 5 })),
  stride: pair(fc.integer({ min: 1, max: 3 })),
  seed: fc.nat(),
};

const convs: fc.Arbitrary<Case> = fc
  .record({
    ...windows,
    padding: pair(fc.integer({ min: 0, max: 4 })),
    groups: fc.constantFrom(1, 1, 2, 3),
    groupIn: fc.integer({ min: 1, max: 9 }),
    groupOut: fc.integer({ min: 1, max: 19 }),
  })
  .map(({ size, groupIn, groupOut, ...rest }) => ({
    ...rest,
    input: [size[0], size[1], groupIn * rest.groups] as const,
    out: groupOut * rest.groups,
  }))
  .filter((c) => outputSize(c).every((dim) => dim > 0));

const pools: fc.Arbitrary<Window & { seed: number }> = fc
  .record({
    ...windows,
    padding: pair(fc.integer({ min: 0, max: 4 })),
    channels: fc.integer({ min: 1, max: 13 }),
  })
  .map(({ size, channels, padding, ...rest }) => ({
    ...rest,
    input: [size[0], size[1], channels] as const,
    padding: padding.map((p, axis) => Math.min(p, rest.kernel[axis] - 1)) as [number, number],
  }))
  .filter((c) => outputSize(c).every((dim) => dim > 0));

function outputSize({ input, kernel, stride, padding }: Window): [number, number] {
  const along = (axis: 0 | 1) =>
    Math.floor((input[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [along(0), along(1)];
}

/** Numbers of both signs and very different sizes: every change of order shows. */
function draw(count: number, seed: number): Float32Array {
  const random = randomStream(seed);
  return Float32Array.from({ length: count }, () => (random() - 0.5) * 10 ** (4 * random() - 2));
}

const elements = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);

async function runOn(program: Program, tensors: ProgramTensors, x: Float32Array) {
  checkProgram(program, tensors);
  const executable = await wasm.compile(program, tensors, { threads: 1 });
  const { y } = await executable.run(x, 1);
  executable.dispose();
  return y;
}

/** Visits the input pixels of each output pixel's window: f(output pixel, kernel position, pixel). */
function forEachTap(
  w: Window,
  visit: (pixel: number, ky: number, kx: number, input: number) => void,
): void {
  const [height, width] = w.input;
  const [outHeight, outWidth] = outputSize(w);
  for (let p = 0; p < outHeight * outWidth; p++) {
    const [oy, ox] = [Math.floor(p / outWidth), p % outWidth];
    for (let ky = 0; ky < w.kernel[0]; ky++) {
      for (let kx = 0; kx < w.kernel[1]; kx++) {
        const iy = oy * w.stride[0] + ky - w.padding[0];
        const ix = ox * w.stride[1] + kx - w.padding[1];
        if (iy >= 0 && iy < height && ix >= 0 && ix < width) visit(p, ky, kx, iy * width + ix);
      }
    }
  }
}

function plainConv(c: Case, x: Float32Array, w: Float32Array): Float32Array {
  const channels = c.input[2];
  const [groupIn, groupOut] = [channels / c.groups, c.out / c.groups];
  const y = new Float32Array(elements(outputSize(c)) * c.out);
  forEachTap(c, (p, ky, kx, pixel) => {
    for (let o = 0; o < c.out; o++) {
      const first = pixel * channels + Math.floor(o / groupOut) * groupIn;
      const tap = ((o * c.kernel[0] + ky) * c.kernel[1] + kx) * groupIn;
      for (let i = 0; i < groupIn; i++) {
        y[p * c.out + o] = fround(y[p * c.out + o] + fround(x[first + i] * w[tap + i]));
      }
    }
  });
  return y;
}

describe("convolution", () => {
  it("adds products in the order of kernel rows, columns, channels", async () => {
    const check = fc.asyncProperty(convs, async (c) => {
      const { kernel, stride, padding, groups, out } = c;
      const shape = [out, ...kernel, c.input[2] / groups];
      const [x, w] = [draw(elements(c.input), c.seed), draw(elements(shape), c.seed + 1)];
      const step = { kind: "conv", weight: "w", kernel, stride, padding, groups, out } as const;
      const program = singleStep(step, c.input, [...outputSize(c), out]);
      const y = await runOn(program, { w: floatTensor(w, shape) }, x);
      expect(y).toEqual(plainConv(c, x, w));
    });
    await fc.assert(check, { numRuns: 1000 });
  });
});

describe("pooling", () => {
  it("averages in the order of rows and columns, over kh * kw whatever lies outside", async () => {
    const check = fc.asyncProperty(pools, async (c) => {
      const { kernel, stride, padding, input } = c;
      const channels = input[2];
      const x = draw(elements(input), c.seed);
      const expected = new Float32Array(elements(outputSize(c)) * channels);
      forEachTap(c, (p, _ky, _kx, pixel) => {
        for (let i = 0; i < channels; i++) {
          expected[p * channels + i] = fround(expected[p * channels + i] + x[pixel * channels + i]);
        }
      });
      const divided = expected.map((sum) => fround(sum / (kernel[0] * kernel[1])));
      const step = { kind: "pool", mode: "average", kernel, stride, padding } as const;
      const program = singleStep(step, input, [...outputSize(c), channels]);
      expect(await runOn(program, {}, x)).toEqual(divided);
    });
    await fc.assert(check, { numRuns: 300 });
  });

  it("takes the maximum of what lies inside", async () => {
    const check = fc.asyncProperty(pools, async (c) => {
      const { kernel, stride, padding, input } = c;
      const channels = input[2];
      const x = draw(elements(input), c.seed);
      const expected = new Float32Array(elements(outputSize(c)) * channels).fill(-Infinity);
      forEachTap(c, (p, _ky, _kx, pixel) => {
        for (let i = 0; i < channels; i++) {
          const at = p * channels + i;
          expected[at] = Math.max(expected[at], x[pixel * channels + i]);
        }
      });
      const step = { kind: "pool", mode: "max", kernel, stride, padding } as const;
      const program = singleStep(step, input, [...outputSize(c), channels]);
      expect(await runOn(program, {}, x)).toEqual(expected);
    });
    await fc.assert(check, { numRuns: 300 });
  });
});

describe("linear", () => {
  const sizes = fc.record({
    inputs: fc.integer({ min: 1, max: 70 }),
    out: fc.integer({ min: 1, max: 70 }),
    seed: fc.nat(),
  });

  async function expectOrder(inputs: number, out: number, seed: number): Promise<void> {
    const [x, w] = [draw(inputs, seed), draw(inputs * out, seed + 1)];
    const expected = new Float32Array(out);
    for (let o = 0; o < out; o++) {
      for (let i = 0; i < inputs; i++) {
        expected[o] = fround(expected[o] + fround(x[i] * w[o * inputs + i]));
      }
    }
    const program = linearProgram(inputs, out);
    expect(await runOn(program, { w: floatTensor(w, [out, inputs]) }, x)).toEqual(expected);
  }

  it("adds products in the order of the inputs", async () => {
    const check = fc.asyncProperty(sizes, ({ inputs, out, seed }) =>
      expectOrder(inputs, out, seed),
    );
    await fc.assert(check, { numRuns: 500 });
  });

  it("does so where the weights are laid out piece by piece", async () => {
    for (const [inputs, out] of [
      [1000, 131],
      [9000, 17],
      [513, 256],
    ]) {
      await expectOrder(inputs, out, out);
    }
  });
});

/** A program's input is a map, a linear step reads a vector. */
function linearProgram(inputs: number, out: number): Program {
  const steps: Step[] = [
    { kind: "pointwise", covers: [], input: 0, epilogue: [["store", 0, 1, 0]] },
    { kind: "linear", weight: "w", out, covers: [], input: 1, epilogue: [["store", 0, 2, 0]] },
  ];
  const values = [
    value("x", "map", [1, 1, inputs]),
    value("v", "vector", [1, 1, inputs]),
    value("y", "vector", [1, 1, out]),
  ];
  return { values, input: 0, steps, outputs: { y: 2 } };
}
