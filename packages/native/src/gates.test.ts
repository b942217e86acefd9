import { type Program, type ProgramTensors, type Step, withMaps } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import { expectSameFloats, floatTensor, value } from "../../core/src/test-support/packed-step.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();

/**
 * The two passes around a gate: x -> bits -> binary convolution -> affine -> prelu = y, and its mean;
 * then y * mean * s + t + x, stored, its bits, and the means of its prelu.
 */
function gatedProgram(size: number, channels: number, kernel: 1 | 3): Program {
  const padding = (kernel - 1) / 2;
  const map = [size, size, channels] as const;
  const step = (rest: Partial<Step>) => ({ covers: [], ...rest }) as Step;
  return {
    values: [
      value("x", "map", map),
      value("copy", "map", map),
      value("bits", "bits", map),
      value("y", "map", map),
      value("mean", "vector", [1, 1, channels]),
      value("z", "map", map),
      value("more", "bits", map),
      value("out", "vector", [1, 1, channels]),
      value("last", "map", map),
    ],
    input: 0,
    steps: [
      step({
        kind: "pointwise",
        input: 0,
        epilogue: [
          ["shift", 0, "t"],
          ["store", 1, 1, 0],
          ["bits", 1, "t", 2, 0, -1],
        ],
      }),
      step({
        kind: "binary-conv",
        input: 2,
        weight: "w",
        out: channels,
        kernel: [kernel, kernel],
        stride: [1, 1],
        padding: [padding, padding],
        groups: 1,
        padValue: 0,
        epilogue: [
          ["affine", 0, "s", "t"],
          ["prelu", 1, "u"],
          ["store", 2, 3, 0],
          ["mean", 2, 4, 0],
        ],
      }),
      step({
        kind: "pointwise",
        input: 3,
        epilogue: [
          ["load", 4],
          ["mul", 1, 0],
          ["affine", 2, "s", "t"],
          ["load", 1],
          ["add", 3, 4],
          ["store", 5, 5, 0],
          ["bits", 5, "t", 6, 0, -1],
          ["prelu", 5, "u"],
          ["mean", 8, 7, 0],
        ],
      }),
      step({
        kind: "pointwise",
        input: 5,
        epilogue: [
          ["load", 6],
          ["mix", 1, 0, "s"],
          ["load", 5],
          ["mul", 2, 3],
          ["store", 4, 8, 0],
        ],
      }),
    ],
    outputs: { out: 7, last: 8 },
  };
}

function tensorsOf(random: Random, channels: number, kernel: number): ProgramTensors {
  const floats = () =>
    floatTensor(Float32Array.from({ length: channels }, () => random.number() - 0.5));
  const bytes = Math.ceil((kernel * kernel * channels) / 8);
  const used = (kernel * kernel * channels) % 8;
  const data = Uint8Array.from({ length: channels * bytes }, (_, i) => {
    const byte = Math.floor(random.number() * 256);
    return used > 0 && i % bytes === bytes - 1 ? byte & ((1 << used) - 1) : byte;
  });
  const w = { type: "bits", shape: [channels, bytes], data } as const;
  return { s: floats(), t: floats(), u: floats(), w };
}

describe.runIf(isas.length > 0)("the native backend on gated convolutions", () => {
  // Large maps are made again from bits or from integers, and written where the one before lay.
  for (const [size, channels, kernel, maps] of [
    [70, 32, 1, "float32"],
    [64, 48, 1, "float32"],
    [57, 48, 3, "float32"],
    [37, 96, 3, "float32"],
    [9, 20, 3, "float32"],
    [5, 24, 1, "float32"],
    [92, 32, 1, "bfloat16"],
    [37, 96, 3, "bfloat16"],
    [9, 20, 3, "bfloat16"],
  ] as const) {
    it(`${kernel}x${kernel}, ${channels} channels, ${size}x${size}, ${maps}`, async () => {
      const random = new Random(size);
      const program = withMaps(gatedProgram(size, channels, kernel), maps);
      const tensors = tensorsOf(random, channels, kernel);
      const images = Float32Array.from(
        { length: 2 * size * size * channels },
        () => random.number() - 0.5,
      );
      const expected = await (await reference.compile(program, tensors, { threads: 1 })).run(
        images,
        2,
      );
      expect(new Set(expected.last).size).toBeGreaterThan(100);
      for (const isa of isas) {
        for (const apart of [false, true]) {
          for (const threads of [1, 2, 3]) {
            const backend = nativeWith({ isa, apart });
            const executable = await backend.compile(program, tensors, { threads });
            const actual = await executable.run(images, 2);
            for (const name of ["out", "last"])
              expectSameFloats(actual[name], expected[name], `${isa}, ${threads} threads, ${name}`);
            executable.dispose();
          }
        }
      }
    });
  }
});
