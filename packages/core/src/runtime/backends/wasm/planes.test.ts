import { describe, expect, it } from "vitest";
import { Random } from "../../../conformance/random.js";
import { expectSameFloats, floatTensor, singleOp } from "../../../test-support/packed-step.js";
import { wasm } from "./index.js";

describe("images as planes", () => {
  it.each([1, 3, 4, 5])("of %i channels give what interleaved ones give", async (channels) => {
    const random = new Random(channels);
    const [height, width, count] = [5, 7, 3];
    const tensors = { t: floatTensor(Float32Array.from({ length: channels }, (_, c) => c)) };
    const program = singleOp(["shift", 0, "t"], [height, width, channels]);
    const pixels = height * width;
    const images = Float32Array.from({ length: count * pixels * channels }, () => random.number());
    const planes = images.map((_, i) => {
      const [n, c, pixel] = [
        Math.floor(i / (pixels * channels)),
        Math.floor(i / pixels) % channels,
        i % pixels,
      ];
      return images[(n * pixels + pixel) * channels + c];
    });
    const executable = await wasm.compile(program, tensors, { threads: 1 });
    const { y } = await executable.run(images, count);
    expectSameFloats(
      y,
      images.map((x, i) => Math.fround(x + (i % channels))),
      "interleaved",
    );
    const actual = await executable.runPlanes?.(planes, count);
    expectSameFloats(actual?.y ?? new Float32Array(0), y, "planes");
    await expect(executable.runPlanes?.(planes, 2)).rejects.toThrow(/^2 x \d+ numbers wanted/);
  });
});
