import { OnebitError } from "onebit";
import { extremeProgram, Random } from "onebit/conformance";
import { type OnebitFile, writeOnebit } from "onebit/file";
import { compareOn, expectedOf } from "../compare.js";
import { type Fuzzer, type FuzzInput, seedOf } from "../fuzzer.js";
import { trialsFor } from "../subjects.js";

/**
 * Networks on shapes at the edge of what is allowed (core/src/conformance/extreme-program.ts): every
 * backend must compute the reference's bits, every output.
 */
export const geometryFuzzer: Fuzzer = {
  name: "geometry",
  extension: "onebit",

  async input(seed: number, index: number): Promise<FuzzInput> {
    const { program, tensors, image } = extremeProgram(seedOf(seed, index));
    const shapes = program.values.map(({ kind, shape }) => `${kind} [${shape}]`);
    const story = [`extreme program ${seedOf(seed, index)}`, ...shapes].join("\n");
    const edits = program.steps.map(({ kind }) => kind);
    const bytes = await written({ program, tensors });
    if (typeof bytes !== "string") {
      const trials = trialsFor(new Random(seedOf(seed, index)));
      const judge = async () => {
        const expected = await expectedOf(program, tensors, image);
        return {
          result: "ran",
          on: await compareOn(trials, program, tensors, image, expected),
        } as const;
      };
      return { bytes, story, edits, judge };
    }
    const refusal = { result: "refused", message: bytes } as const;
    return { bytes: Buffer.from(story), story, edits, judge: async () => refusal };
  },
};

/** The file, or why its program is beyond the bounds. */
async function written(file: OnebitFile): Promise<Uint8Array | string> {
  try {
    return await writeOnebit(file);
  } catch (error) {
    if (error instanceof OnebitError) return error.message;
    throw error;
  }
}
