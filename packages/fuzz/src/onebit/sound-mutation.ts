import { OnebitError } from "onebit";
import { drawn, Random, type RandomProgram } from "onebit/conformance";
import { type OnebitFile, readOnebit } from "onebit/file";
import { elementCount } from "onebit/program";
import { seedOf } from "../fuzzer.js";
import { mutate } from "./mutate.js";

/** An edited program that the checks let pass, with an image: the first one from a seed on. */
export async function soundMutation(seed: number): Promise<RandomProgram> {
  for (let index = 0; ; index++) {
    const random = new Random(seedOf(seed, index));
    const { bytes, edits } = await mutate(random);
    const file = edits.length > 0 ? await readOrRefusal(bytes) : undefined;
    if (!file) continue;
    const { program, tensors } = file;
    const length = elementCount(program.values[program.input].shape);
    const image = drawn(new Float32Array(length), () => (random.number() - 0.5) * 4);
    return { program, tensors, image };
  }
}

async function readOrRefusal(bytes: Uint8Array): Promise<OnebitFile | undefined> {
  try {
    return await readOnebit(bytes);
  } catch (error) {
    if (error instanceof OnebitError) return undefined;
    throw error;
  }
}
