import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import {
  bitTensor,
  floatTensor,
  type Shape,
  singleBitStep,
} from "../../../test-support/packed-step.js";
import { wasm } from "./index.js";

interface Case {
  readonly input: Shape;
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
  readonly out: number;
  readonly padValue: 0 | 1 | -1;
  readonly fill: "random" | "equal" | "opposite";
  readonly seed: number;
}

const pair = (arbitrary: fc.Arbitrary<number>) => fc.tuple(arbitrary, arbitrary);

/**
 * Channels per group: half of the cases are no multiple of 32, some reach a reduction over 4096;
 * a third has stride 2 or 3, groups, an image smaller than the kernel, each pad value.
 */
const cases: fc.Arbitrary<Case> = fc
  .record({
    size: pair(fc.integer({ min: 1, max: 7 })),
    kernel: pair(
      fc.oneof({ weight: 3, arbitrary: fc.constantFrom(1, 3) }, fc.integer({ min: 1, max: 7 })),
    ),
    stride: pair(
      fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 3 })),
    ),
    padding: pair(fc.integer({ min: 0, max: 4 })),
    groups: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.integer({ min: 2, max: 4 })),
    groupIn: fc.oneof(
      { weight: 8, arbitrary: fc.constantFrom(32, 64, 96, 256) },
      { weight: 10, arbitrary: fc.integer({ min: 1, max: 80 }) },
      { weight: 1, arbitrary: fc.constantFrom(512, 700, 1100) },
    ),
    groupOut: fc.integer({ min: 1, max: 19 }),
    padValue: fc.constantFrom(0 as const, 1 as const, -1 as const),
    fill: fc.constantFrom(
      "random" as const,
      "random" as const,
      "equal" as const,
      "opposite" as const,
    ),
    seed: fc.nat(),
  })
  .map(({ size, groupIn, groupOut, ...rest }) => ({
    ...rest,
    input: [size[0], size[1], groupIn * rest.groups] as const,
    out: groupOut * rest.groups,
  }))
  .filter((c) => outputShape(c).every((dim) => dim > 0));

function outputShape({ input, kernel, stride, padding, out }: Case): [number, number, number] {
  const along = (axis: 0 | 1) =>
    Math.floor((input[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [along(0), along(1), out];
}

/** Signs of the image [H, W, C] and of the weights [O, KH, KW, C / groups]. */
function signs({ input, kernel, groups, out, fill, seed }: Case): { x: number[]; w: number[] } {
  const random = randomStream(seed);
  const draw = () => (random() < 0.5 ? -1 : 1);
  const constant = draw();
  const xs = input[0] * input[1] * input[2];
  const ws = (out * kernel[0] * kernel[1] * input[2]) / groups;
  const x = Array.from({ length: xs }, () => (fill === "random" ? draw() : constant));
  const other = fill === "equal" ? constant : -constant;
  return { x, w: Array.from({ length: ws }, () => (fill === "random" ? draw() : other)) };
}

/** The definition, one product after the other. */
function plainConv(c: Case, x: number[], w: number[]): Float32Array {
  const [height, width, channels] = c.input;
  const [outHeight, outWidth, out] = outputShape(c);
  const [groupIn, groupOut] = [channels / c.groups, out / c.groups];
  const y = new Float32Array(outHeight * outWidth * out);
  let at = 0;
  for (let oy = 0; oy < outHeight; oy++) {
    for (let ox = 0; ox < outWidth; ox++) {
      for (let o = 0; o < out; o++) {
        const group = Math.floor(o / groupOut);
        let sum = 0;
        let k = o * c.kernel[0] * c.kernel[1] * groupIn;
        for (let ky = 0; ky < c.kernel[0]; ky++) {
          for (let kx = 0; kx < c.kernel[1]; kx++) {
            const iy = oy * c.stride[0] + ky - c.padding[0];
            const ix = ox * c.stride[1] + kx - c.padding[1];
            const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
            const pixel = (iy * width + ix) * channels + group * groupIn;
            for (let i = 0; i < groupIn; i++) {
              sum += w[k++] * (inside ? x[pixel + i] : c.padValue);
            }
          }
        }
        y[at++] = sum;
      }
    }
  }
  return y;
}

async function wasmConv(c: Case, x: number[], w: number[]): Promise<Float32Array> {
  const { kernel, stride, padding, groups, out, padValue } = c;
  const step = { kind: "binary-conv", weight: "w", kernel, stride, padding, groups, out, padValue };
  const program = singleBitStep(step as BinaryConvStep, c.input, outputShape(c));
  const tensors = { zeros: floatTensor(new Float32Array(c.input[2])), w: bitTensor(w, out) };
  checkProgram(program, tensors);
  const executable = await wasm.compile(program, tensors, { threads: 1 });
  const { y } = await executable.run(Float32Array.from(x), 1);
  executable.dispose();
  return y;
}

const agree = (a: Float32Array, b: Float32Array) =>
  a.length === b.length && a.every((value, i) => value === b[i]);

describe("binary convolution", () => {
  it("equals the definition on random geometries", async () => {
    const check = fc.asyncProperty(cases, async (c) => {
      const { x, w } = signs(c);
      expect(agree(await wasmConv(c, x, w), plainConv(c, x, w))).toBe(true);
    });
    await fc.assert(check, { numRuns: 2000 });
  });

  const plain: Case = {
    input: [6, 5, 43],
    kernel: [3, 3],
    stride: [1, 1],
    padding: [1, 1],
    groups: 1,
    out: 11,
    padValue: 0,
    fill: "random",
    seed: 5,
  };

  it.each([
    [
      "one pixel, all border",
      { input: [1, 1, 33] as const, padding: [2, 2] as const, kernel: [5, 5] as const },
    ],
    [
      "windows that lie wholly outside",
      { input: [1, 1, 8] as const, padding: [4, 4] as const, kernel: [1, 1] as const },
    ],
    ["a run of more than 31 words", { input: [3, 3, 1100] as const }],
    [
      "a reduction over 4096, all opposite",
      { input: [3, 3, 800] as const, fill: "opposite" as const },
    ],
    ["a reduction over 4096, all equal", { input: [3, 3, 800] as const, fill: "equal" as const }],
    ["groups that start inside words", { input: [4, 4, 30] as const, groups: 3, out: 12 }],
    ["one channel per group", { input: [4, 4, 40] as const, groups: 40, out: 40 }],
    ["rows that fill several blocks", { input: [40, 40, 24] as const, out: 72 }],
  ])("covers %s", async (_, change) => {
    const c = { ...plain, ...change };
    const { x, w } = signs(c);
    expect(await wasmConv(c, x, w)).toEqual(plainConv(c, x, w));
  });

  it("shows every single flipped weight bit", async () => {
    const c = { ...plain, input: [2, 2, 5] as const, out: 3 };
    const { x, w } = signs(c);
    const right = plainConv(c, x, w);
    for (let i = 0; i < w.length; i++) {
      const wrong = w.map((sign, j) => (i === j ? -sign : sign));
      expect(agree(await wasmConv(c, x, wrong), right)).toBe(false);
    }
  });
});
