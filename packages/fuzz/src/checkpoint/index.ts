import {
  describeClassifier,
  importCheckpoint,
  memoryBuffer,
  openCheckpoint,
  readOnnxFile,
} from "@onebit/convert";
import { OnebitError, UsageError } from "onebit";
import { Random } from "onebit/conformance";
import { type Fuzzer, type FuzzInput, type Outcome, seedOf } from "../fuzzer.js";
import { editInteger, flipBits, moveBytes } from "./byte-edits.js";
import { checkpointSeed } from "./seeds.js";

/**
 * Edited checkpoints of every format: pickles by their instructions, zip files by their records with
 * CRCs that are right again, headers of safetensors and NumPy files, ONNX by its fields; and bytes
 * anywhere; TensorFlow Lite and HDF5 by their numbers of 4 bytes. Each must be read in full, and imported, or be refused with an OnebitError.
 */
export const checkpointFuzzer: Fuzzer = {
  name: "checkpoint",
  extension: "bin",

  async input(seed: number, index: number): Promise<FuzzInput> {
    const random = new Random(seedOf(seed, index));
    const { name, bytes, structure } = checkpointSeed(random);
    const blind = random.pick([editInteger, flipBits, moveBytes]);
    const edited = (random.chance(0.75) ? structure : blind)(bytes, random);
    const onnx = name.includes("ONNX");
    const judge = () => (onnx ? judgeOnnx(edited.bytes) : judgeCheckpoint(edited.bytes));
    return { bytes: edited.bytes, story: `${name}\n${edited.told}`, edits: [name], judge };
  },
};

async function judgeCheckpoint(bytes: Uint8Array): Promise<Outcome> {
  return refusedOr(async () => {
    const checkpoint = await openCheckpoint(memoryBuffer(bytes));
    for (const entry of checkpoint.tensors.values()) {
      const values = await entry.read();
      if (values.length !== entry.elements)
        throw new Error(`${entry.key}: ${values.length} elements instead of ${entry.elements}`);
    }
    // These want a second file.
    if (checkpoint.format === "mxnet-params") return;
    await importCheckpoint(memoryBuffer(bytes));
  });
}

async function judgeOnnx(bytes: Uint8Array): Promise<Outcome> {
  return refusedOr(async () => {
    try {
      describeClassifier(readOnnxFile(bytes));
    } catch (error) {
      // A file may leave open what the caller must then say.
      if (!(error instanceof UsageError)) throw error;
    }
  });
}

async function refusedOr(work: () => Promise<void>): Promise<Outcome> {
  try {
    await work();
    return { result: "ran" };
  } catch (error) {
    if (!(error instanceof OnebitError) || error instanceof UsageError) throw error;
    return { result: "refused", message: error.message };
  }
}
