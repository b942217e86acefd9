import { Random } from "onebit/conformance";
import { type Fuzzer, type FuzzInput, seedOf } from "../fuzzer.js";
import { judgeFile } from "./judge.js";
import { mutate } from "./mutate.js";

/**
 * Signed mutations of `.onebit` files: a sound file is edited, in its program or anywhere else, and
 * given the checksum that belongs to it. It must be refused with an OnebitError, or give the same
 * bits on every backend.
 */
export const onebitFuzzer: Fuzzer = {
  name: "onebit",
  extension: "onebit",

  async input(seed: number, index: number): Promise<FuzzInput> {
    const random = new Random(seedOf(seed, index));
    const { bytes, story, edits } = await mutate(random);
    return { bytes, story, edits, judge: () => judgeFile(bytes, random) };
  },
};
