import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import {
  bitTensor,
  expectSameFloats,
  floatTensor,
  type Shape,
  value,
} from "../../../test-support/packed-step.js";
import { reference } from "../reference/index.js";
import { channelRanges } from "./channel-ranges.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { BINARY_CONV_KERNELS } from "./kernel-choice.js";

const conv = (out: number, groups = 1): Step => ({
  ...{ kind: "binary-conv", weight: "w", out, groups, padValue: 0, covers: [], input: 0 },
  ...{ kernel: [3, 3], stride: [1, 1], padding: [1, 1], epilogue: [["store", 0, 1, 0]] },
});

describe("ranges of channels", () => {
  const counts = (step: Step, shape: Shape, blockRows: number, threads: number) =>
    channelRanges({ step, shape, blockRows, threads }).map(({ count }) => count);

  it("take the place of rows that cannot be dealt out evenly, or fill less than a block each", () => {
    expect(counts(conv(1024), [7, 7, 1024], 7, 2)).toEqual([512, 512]);
    expect(counts(conv(90), [7, 7, 90], 7, 3)).toEqual([32, 32, 26]);
    expect(counts(conv(64), [2, 2, 64], 2, 2)).toEqual([32, 32]);
  });

  it("do not where rows are dealt out as evenly", () => {
    expect(counts(conv(512), [14, 14, 512], 4, 2)).toEqual([512]);
    expect(counts(conv(96), [7, 7, 96], 7, 2)).toEqual([96]);
    expect(counts(conv(1024), [7, 7, 1024], 7, 1)).toEqual([1024]);
  });

  it("do not where they would meet in a word of bits, or where groups do", () => {
    const epilogue: Step["epilogue"] = [["bits", 0, "t", 2, 16, -1]];
    expect(counts({ ...conv(1024), epilogue }, [7, 7, 1024], 7, 2)).toEqual([1024]);
    expect(counts(conv(1024, 2), [7, 7, 1024], 7, 2)).toEqual([1024]);
  });
});

interface Case {
  readonly input: Shape;
  readonly kernel: 1 | 3;
  readonly out: number;
}

/** Two convolutions of the same bits, 32 outputs and `out`, that write side by side. */
function twoConvolutions({ input, kernel, out }: Case, seed: number) {
  const random = randomStream(seed);
  const floats = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
  const [height, width, channels] = input;
  const map = (name: string, count: number) => value(name, "map", [height, width, count]);
  const both = 32 + out;
  const program: Program = {
    values: [
      ...[map("x", channels), value("signs", "bits", input)],
      ...[map("y", out), value("mean", "vector", [1, 1, out])],
      ...[map("wide", both), value("bits", "bits", [height, width, both])],
      ...[value("means", "vector", [1, 1, both]), map("numbers", both)],
    ],
    input: 0,
    steps: [
      { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "zeros", 1, 0, -1]] },
      convOf(out, kernel, [
        ["affine", 0, "s", "t"],
        ["store", 1, 2, 0],
        ["mean", 1, 3, 0],
      ]),
      convOf(32, kernel, [
        ["store", 0, 4, 0],
        ["bits", 0, "t32", 5, 0, -1],
        ["mean", 0, 6, 0],
      ]),
      convOf(out, kernel, [
        ["load", 2],
        ["load", 3],
        ["mix", 0, 1, "s"],
        ["mul", 3, 2],
        ["clamp", 4, -20, 20],
        ["prelu", 5, "t"],
        ["store", 6, 4, 32],
        ["bits", 4, "t", 5, 32, 1],
        ["mean", 6, 6, 32],
      ]),
      { kind: "pointwise", covers: [], input: 5, epilogue: [["store", 0, 7, 0]] },
    ],
    outputs: { wide: 4, means: 6, numbers: 7 },
  };
  const weights = (count: number) =>
    bitTensor(Array.from(floats(count * kernel * kernel * channels), Math.sign), count);
  const tensors: ProgramTensors = {
    ...{ zeros: floatTensor(new Float32Array(channels)), t32: floatTensor(floats(32)) },
    ...{ s: floatTensor(floats(out)), t: floatTensor(floats(out)) },
    ...{ [`w${out}`]: weights(out), w32: weights(32) },
  };
  checkProgram(program, tensors);
  return { program, tensors, image: floats(height * width * channels) };
}

function convOf(out: number, kernel: 1 | 3, epilogue: Step["epilogue"]): Step {
  const padding = (kernel - 1) / 2;
  return {
    ...{
      kind: "binary-conv",
      weight: `w${out}`,
      out,
      groups: 1,
      padValue: 0,
      covers: [],
      input: 1,
    },
    ...{ kernel: [kernel, kernel], stride: [1, 1], padding: [padding, padding], epilogue },
  };
}

const CASES: readonly Case[] = [
  { input: [7, 7, 64], kernel: 3, out: 64 },
  { input: [3, 5, 40], kernel: 3, out: 100 },
  { input: [5, 4, 96], kernel: 1, out: 131 },
  { input: [2, 3, 33], kernel: 1, out: 96 },
];

describe.each(BINARY_CONV_KERNELS)(
  "convolutions in the kernel %s, outputs shared by threads",
  (kernel) => {
    it.each([1, 2, 3])("give the reference's bits on %i threads", async (threads) => {
      let shared = 0;
      for (const [seed, one] of CASES.entries()) {
        const { program, tensors, image } = twoConvolutions(one, seed);
        const alone = await reference.compile(program, tensors, { threads: 1 });
        const expected = await alone.run(image, 1);
        const compiled = compileProgram(program, tensors, { threads, kernel, parallelElements: 1 });
        shared += compiled.steps.flat().filter(({ parts }) => parts.length > 1).length;
        const executable = await WasmExecutable.instantiate(program, compiled, { threads });
        expect(await executable.ready()).toBe(threads);
        const actual = await executable.run(image, 1);
        executable.dispose();
        for (const [name, values] of Object.entries(expected)) {
          expectSameFloats(actual[name], values, `${name}, case ${seed}`);
        }
      }
      expect(shared > 0).toBe(threads > 1);
    });
  },
);
