import { OnebitError } from "onebit";
import type { OnebitFile } from "onebit/file";
import type { Preprocess } from "onebit/image";
import { forOutputs, type ProgramTensors, withMaps } from "onebit/program";
import { fingerprint } from "./fingerprint.js";
import { generatedImages, normaliseTable } from "./images.js";
import { lower, quantised } from "./lower.js";
import { rangesOf } from "./ranges.js";
import { integerRunner } from "./run.js";
import { BYTE_SHIFT, type IntegerProgram } from "./types.js";

export type { IntegerProgram } from "./types.js";

/** A classifier in whole numbers. */
export interface IntegerNetwork {
  readonly integers: IntegerProgram;
  readonly tensors: ProgramTensors;
  /** Eight digits that are others where the arithmetic is another. */
  readonly arithmetic: string;
  /** Logits of a normalised image [H, W, C]. */
  run(image: ArrayLike<number>): Float32Array;
}

/**
 * The arithmetic of a packed classifier in whole numbers: how large numbers become is taken from images that are
 * normalised, [H, W, C] each; without any, from generated ones.
 *
 * OnebitError where it has no logits, or numbers that are not finite.
 */
export async function integerNetwork(
  file: Pick<OnebitFile, "program" | "tensors" | "preprocess">,
  images?: readonly Float32Array[],
): Promise<IntegerNetwork> {
  if (!Object.hasOwn(file.program.outputs, "logits")) {
    throw new OnebitError(
      'this program has no output "logits": only classifiers run in whole numbers',
    );
  }
  const { tensors, preprocess } = file;
  const program = withMaps(forOutputs(file.program, ["logits"]), "float32");
  const ranges = await rangesOf(program, tensors, images ?? usualImages({ program, preprocess }));
  const integers = await lower(program, tensors, ranges, preprocess);
  const run = integerRunner(integers, tensors);
  const number = inputNumber(integers, preprocess);
  const { logits } = program.outputs;
  const unit = 2 ** -integers.fractions[logits];
  return {
    ...{ integers, tensors, arithmetic: fingerprint(integers) },
    run: (image) => {
      const values = run(Int16Array.from(image, number));
      return Float32Array.from(values[logits], (q) => q * unit);
    },
  };
}

/** What a number of a normalised image [H, W, C] is to the first step. */
function inputNumber({ program, fractions, image }: IntegerProgram, how?: Preprocess) {
  const fraction = fractions[program.input];
  if (image?.kind !== "bytes") return (x: number) => quantised(x, fraction);
  const { channels, mean, std } = how!;
  return (x: number, i: number) => {
    const byte = Math.round(255 * (x * std[i % channels] + mean[i % channels]));
    return Math.max(0, Math.min(255, byte)) * 2 ** BYTE_SHIFT;
  };
}

function usualImages({
  program,
  preprocess,
}: Pick<OnebitFile, "program" | "preprocess">): Float32Array[] {
  const { shape } = program.values[program.input];
  const table = preprocess && normaliseTable(preprocess);
  const channels = shape[2];
  return generatedImages(shape).map((bytes) =>
    Float32Array.from(bytes, (byte, i) =>
      table ? table[256 * (i % channels) + byte] : byte / 64 - 2,
    ),
  );
}
