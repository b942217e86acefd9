import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import {
  bitTensor,
  floatTensor,
  type Shape,
  singleBitStep,
} from "../../../test-support/packed-step.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { BINARY_CONV_KERNELS, type BinaryConvKernel } from "./kernel-choice.js";

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

/** What the definition takes its time for: bounded, so that thousands of cases run in seconds. */
const MAX_PRODUCTS = 2e6;

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
  .filter((c) => outputShape(c).every((dim) => dim > 0) && products(c) < MAX_PRODUCTS);

/** Each channel by itself, in windows that planes of bits can count. */
const depthwise = cases.map((c): Case => {
  const channels = Math.min(c.input[2], 75);
  const kernel = [Math.min(c.kernel[0], 5), Math.min(c.kernel[1], 6)] as const;
  return {
    ...c,
    kernel,
    input: [c.input[0], c.input[1], channels],
    groups: channels,
    out: channels,
  };
});

function outputShape({ input, kernel, stride, padding, out }: Case): [number, number, number] {
  const along = (axis: 0 | 1) =>
    Math.floor((input[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [along(0), along(1), out];
}

function products(c: Case): number {
  const [height, width, out] = outputShape(c);
  return (height * width * out * c.kernel[0] * c.kernel[1] * c.input[2]) / c.groups;
}

/** Signs of the image [H, W, C] and of the weights [O, KH, KW, C / groups]. */
function signs({ input, kernel, groups, out, fill, seed }: Case): { x: Int8Array; w: Int8Array } {
  const random = randomStream(seed);
  const draw = () => (random() < 0.5 ? -1 : 1);
  const constant = draw();
  const xs = input[0] * input[1] * input[2];
  const ws = (out * kernel[0] * kernel[1] * input[2]) / groups;
  const x = Int8Array.from({ length: xs }, () => (fill === "random" ? draw() : constant));
  const other = fill === "equal" ? constant : -constant;
  return { x, w: Int8Array.from({ length: ws }, () => (fill === "random" ? draw() : other)) };
}

/** The definition, one product after the other. */
function plainConv(c: Case, x: Int8Array, w: Int8Array): Float32Array {
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

function programOf(c: Case, w: Int8Array): { program: Program; tensors: ProgramTensors } {
  const { kernel, stride, padding, groups, out, padValue } = c;
  const geometry = { kernel, stride, padding, groups, out, padValue };
  const step = { kind: "binary-conv", weight: "w", ...geometry } as const;
  const program = singleBitStep(step, c.input, outputShape(c));
  const tensors = { zeros: floatTensor(new Float32Array(c.input[2])), w: bitTensor(w, out) };
  checkProgram(program, tensors);
  return { program, tensors };
}

async function wasmConv(
  c: Case,
  kernel: BinaryConvKernel,
  x: Int8Array,
  w: Int8Array,
): Promise<Float32Array> {
  const { program, tensors } = programOf(c, w);
  const compiled = compileProgram(program, tensors, { kernel });
  const executable = await WasmExecutable.instantiate(program, compiled);
  const { y } = await executable.run(Float32Array.from(x), 1);
  executable.dispose();
  return y;
}

const agree = (a: Float32Array, b: Float32Array) =>
  a.length === b.length && a.every((value, i) => value === b[i]);

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

describe("binary convolution", () => {
  it.each<[string, number, (c: Case) => boolean]>([
    ["channels of a group that do not fill words", 0.2, (c) => (c.input[2] / c.groups) % 32 !== 0],
    ["stride 2", 0.2, (c) => c.stride.includes(2)],
    ["groups", 0.2, (c) => c.groups > 1],
    [
      "images smaller than the kernel",
      0.2,
      (c) => c.input[0] < c.kernel[0] || c.input[1] < c.kernel[1],
    ],
    ["padding with -1", 0.2, (c) => c.padValue === -1 && Math.max(...c.padding) > 0],
    ["padding with +1", 0.2, (c) => c.padValue === 1 && Math.max(...c.padding) > 0],
    ["all signs equal or opposite", 0.2, (c) => c.fill !== "random"],
    [
      "reductions over 4096",
      0.01,
      (c) => (c.kernel[0] * c.kernel[1] * c.input[2]) / c.groups > 4096,
    ],
  ])("is tried on enough cases with %s", (_, share, belongs) => {
    const sample = fc.sample(cases, { numRuns: 4000, seed: 1 });
    expect(sample.filter(belongs).length / sample.length).toBeGreaterThan(share);
  });

  it.each(BINARY_CONV_KERNELS)("equals the definition on random geometries: %s", async (kernel) => {
    const drawn = kernel === "depthwise" ? depthwise : cases;
    const check = fc.asyncProperty(drawn, async (c) => {
      const { x, w } = signs(c);
      expect(agree(await wasmConv(c, kernel, x, w), plainConv(c, x, w))).toBe(true);
    });
    await fc.assert(check, { numRuns: 600 });
  });

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
    [
      "as many positions of one channel as planes count, all opposite",
      {
        ...{ input: [6, 7, 70] as const, groups: 70, out: 70, kernel: [5, 6] as const },
        fill: "opposite" as const,
      },
    ],
    ["rows that fill several blocks", { input: [40, 40, 24] as const, out: 72 }],
    ["an odd number of pairs", { input: [3, 5, 40] as const, out: 33 }],
    ["two pixels", { input: [1, 2, 12] as const, out: 40 }],
  ])("covers %s", async (_, change) => {
    const c = { ...plain, ...change };
    const { x, w } = signs(c);
    for (const kernel of BINARY_CONV_KERNELS) {
      expect(await wasmConv(c, kernel, x, w), kernel).toEqual(plainConv(c, x, w));
    }
  });
});

const nibbleAt = (n: number) => Math.floor(n / 3) * 96 + (n % 3) * 16;

/** Where the tiled weights of both kernels lie, as far as the faults below go. */
interface Layout {
  /** Byte with the first 4 channels of output o at the centre of the kernel. */
  readonly centre: (o: number) => number;
  /** Byte and bit behind the last of 5 channels there, for output 0. */
  readonly behind: readonly [at: number, bit: number];
}

/** Those that lay out weights of many channels. */
const TILED = ["scalar", "popcount", "lookup"] as const satisfies readonly BinaryConvKernel[];

const LAYOUTS: { readonly [F in (typeof TILED)[number]]: Layout } = {
  // Rows of 3 positions of one word, two in 64 bits, 2 outputs: the second row's second position.
  scalar: { centre: (o) => 32 + 8 * o + 4, behind: [32 + 4, 5] },
  // A word per kernel position, 8 outputs.
  popcount: { centre: (o) => (4 * 8 + o) * 4, behind: [4 * 8 * 4, 5] },
  // Rows of 3 positions of 8 nibbles, in threes, 2 x 16 outputs; channels 4 to 7 come fifth.
  lookup: { centre: (o) => nibbleAt(24 + 8) + 4 * o, behind: [nibbleAt(24 + 8 + 4), 1] },
};

/** Fields of kernels/binary-layer.ts. */
const [WEIGHTS, STARTS] = [9, 10];

/** The kernel's tables of the convolution, opened up. */
async function openUp(c: Case, kernel: BinaryConvKernel, w: Int8Array) {
  const { program, tensors } = programOf(c, w);
  const compiled = compileProgram(program, tensors, { kernel });
  const memory = compiled.plan.allocate();
  const executable = await WasmExecutable.instantiate(program, compiled, { memory });
  const words = new Int32Array(memory.buffer);
  const table = words[(compiled.steps[1].at(-1)?.parts[0].list?.address ?? 0) / 4 + 10] / 4;
  return {
    executable,
    weights: new Uint8Array(memory.buffer, words[table + WEIGHTS]),
    starts: words.subarray(words[table + STARTS] / 4),
  };
}

describe.each(TILED)("the comparison with the definition: %s", (kernel) => {
  const c: Case = { ...plain, input: [3, 3, 5], out: 3 };
  const { x, w } = signs(c);
  const right = plainConv(c, x, w);
  const { centre, behind } = LAYOUTS[kernel];

  it("sees every single flipped weight bit", async () => {
    for (let i = 0; i < w.length; i++) {
      const wrong = w.map((sign, j) => (i === j ? -sign : sign));
      expect(agree(await wasmConv(c, kernel, x, wrong), right)).toBe(false);
    }
  });

  it.each<[string, (tables: { weights: Uint8Array; starts: Int32Array }) => void]>([
    [
      "a bit behind the last channel",
      ({ weights }) => {
        weights[behind[0]] ^= 1 << behind[1];
      },
    ],
    [
      "two swapped channels",
      ({ weights }) => {
        const [first, second] = [centre(0), centre(1)].map((at) => weights[at]);
        expect(first).not.toBe(second);
        weights[centre(0)] = second;
        weights[centre(1)] = first;
      },
    ],
    [
      "one wrong border class",
      ({ starts }) => {
        starts[c.out] += 2;
      },
    ],
  ])("sees %s", async (_, damage) => {
    const { executable, ...tables } = await openUp(c, kernel, w);
    const before = await executable.run(Float32Array.from(x), 1);
    expect(agree(before.y, right)).toBe(true);
    damage(tables);
    const after = await executable.run(Float32Array.from(x), 1);
    expect(agree(after.y, right)).toBe(false);
  });
});
