import { describe, expect, it } from "vitest";
import { checkProgram } from "../program/check.js";
import { batchProgram, imagesOf } from "./batch-program.js";
import { checkConvolutions } from "./check-convolutions.js";
import { type Convolution, plainConvolution, reductionOf } from "./convolution.js";
import { Random } from "./random.js";
import { subjectsHere } from "./subjects.js";

type Geometry = Omit<Convolution, "weights">;

const base = { stride: [1, 1], groups: 1, out: 3, padValue: 0 } as const;

/** What checkProgram just lets through, and what it costs little to compute. */
const extremes: readonly Geometry[] = [
  { ...base, input: [9, 7, 3], kernel: [40, 33], padding: [40, 33] },
  { ...base, input: [1, 1, 70], kernel: [1, 1], padding: [8, 8], out: 17 },
  { ...base, input: [3, 300, 2], kernel: [1, 256], padding: [8, 256], padValue: 1 },
  { ...base, input: [300, 3, 2], kernel: [256, 2], padding: [256, 8], stride: [7, 256] },
  { ...base, input: [5, 5, 8], kernel: [12, 12], padding: [12, 12], groups: 8, out: 8 },
  { ...base, input: [6, 6, 33], kernel: [9, 9], padding: [9, 4], stride: [256, 1], padValue: -1 },
];

const { subjects } = await subjectsHere();

describe("convolutions at the bounds", () => {
  it.each(extremes.map((geometry) => [JSON.stringify(geometry), geometry] as const))(
    "are the definition's on every backend: %s",
    async (name, geometry) => {
      const random = new Random(7);
      const signs = (count: number) => Int8Array.from({ length: count }, () => random.sign());
      const [height, width, channels] = geometry.input;
      const weights = signs(geometry.out * reductionOf(geometry));
      const convolutions = [{ ...geometry, weights }];
      const images = [signs(height * width * channels)];
      const batch = { input: geometry.input, images, convolutions };
      const made = batchProgram(batch);
      checkProgram(made.program, made.tensors);
      const outputs = [[plainConvolution(convolutions[0], images[0])]];
      const expectation = { name, batch, ...made, images: imagesOf(batch, 1), outputs };
      for (const { backend, threads } of subjects) {
        const { differences } = await checkConvolutions(backend, threads, expectation);
        expect(differences, `${backend.name}, ${threads} threads`).toEqual([]);
      }
    },
  );
});
