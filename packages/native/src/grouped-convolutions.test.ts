import { outputShape } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import {
  expectSameFloats,
  floatTensor,
  singleStep,
} from "../../core/src/test-support/packed-step.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();

/** Each way of the kernels: 16 channels that are a group each, of one output or of two, two groups of 8 outputs, a group of others. */
describe.runIf(isas.length > 0)("float convolutions of groups", () => {
  it.each([
    { channels: 16, out: 16, groups: 16 },
    { channels: 37, out: 37, groups: 37 },
    { channels: 3, out: 3, groups: 3 },
    { channels: 32, out: 32, groups: 4 },
    { channels: 32, out: 64, groups: 8 },
    { channels: 6, out: 16, groups: 2 },
    { channels: 6, out: 24, groups: 3 },
    { channels: 64, out: 64, groups: 4 },
    { channels: 32, out: 64, groups: 32 },
    { channels: 13, out: 26, groups: 13 },
    { channels: 10, out: 20, groups: 5 },
    { channels: 20, out: 40, groups: 20 },
  ])(
    "have the reference's bits: $channels to $out in $groups",
    async ({ channels, out, groups }) => {
      const random = new Random(channels + groups);
      const floats = (n: number) => Float32Array.from({ length: n }, () => random.number() - 0.5);
      for (const [kernel, stride, padding] of [
        [
          [1, 1],
          [1, 1],
          [0, 0],
        ],
        [
          [3, 3],
          [1, 1],
          [1, 1],
        ],
        [
          [3, 2],
          [2, 1],
          [1, 0],
        ],
      ] as const) {
        const conv = { kind: "conv", weight: "w", out, groups, kernel, stride, padding } as const;
        const input = [9, 17, channels] as const;
        const open = singleStep(conv, input, input);
        const program = singleStep(conv, input, outputShape(open, open.steps[0]));
        const weights = floats((out * kernel[0] * kernel[1] * channels) / groups);
        const tensors = { w: floatTensor(weights, [out, ...kernel, channels / groups]) };
        const images = floats(2 * 9 * 17 * channels);
        const executable = await reference.compile(program, tensors, { threads: 1 });
        const expected = await executable.run(images, 2);
        for (const isa of isas) {
          for (const threads of [1, 2]) {
            const own = await nativeWith({ isa, apart: threads > 1 }).compile(program, tensors, {
              threads,
            });
            const { y } = await own.run(images, 2);
            expectSameFloats(y, expected.y, `${isa}, ${kernel}, ${threads} threads`);
            own.dispose();
          }
        }
      }
      expect(isas.length).toBeGreaterThan(0);
    },
  );
});
