import type { Program, ProgramTensors } from "../program/types.js";
import type { Backend } from "../runtime/backend.js";
import { accumulatorOutput, batchProgram, imagesOf } from "./batch-program.js";
import {
  type ConvolutionBatch,
  describeConvolution,
  outputOf,
  plainConvolution,
} from "./convolution.js";
import { firstDifference, type Outputs, place, runGuarded } from "./guarded-run.js";
import { randomBatch } from "./random-convolutions.js";

/** A batch as a program, and what the definition says. */
export interface Expectation {
  /** "batch 17": what it takes to make it again. */
  readonly name: string;
  readonly batch: ConvolutionBatch;
  readonly program: Program;
  readonly tensors: ProgramTensors;
  /** [N, H, W, C] */
  readonly images: Float32Array;
  /** [convolution][image] */
  readonly outputs: readonly (readonly Int32Array[])[];
}

export function expectedOfBatch(seed: number, wide = false): Expectation {
  const name = `${wide ? "wide " : ""}batch ${seed}`;
  const batch = randomBatch(seed, wide);
  const outputs = batch.convolutions.map((conv) =>
    batch.images.map((image) => plainConvolution(conv, image)),
  );
  return { name, batch, ...batchProgram(batch), images: imagesOf(batch, seed), outputs };
}

/** A convolution that came out wrong, by its number in the batch, and how. */
export interface Difference {
  readonly index: number;
  readonly message: string;
}

export interface ConvolutionCheck {
  readonly differences: readonly Difference[];
  /** What computed each convolution, where the backend says so. */
  readonly kernels?: readonly string[];
  readonly threadsAtWork: number;
}

/** Runs a batch as one program and compares every integer. */
export async function checkConvolutions(
  backend: Backend,
  threads: number,
  expectation: Expectation,
): Promise<ConvolutionCheck> {
  const { program, tensors, images, batch } = expectation;
  const executable = await backend.compile(program, tensors, { threads });
  try {
    const threadsAtWork = (await executable.ready?.()) ?? threads;
    const outputs = await runGuarded(executable, images, batch.images.length);
    // The first step makes the signs.
    const kernels = executable.kernels?.().slice(1);
    return { differences: differencesOf(expectation, outputs), kernels, threadsAtWork };
  } finally {
    executable.dispose();
  }
}

function differencesOf({ batch, outputs, name }: Expectation, actual: Outputs): Difference[] {
  return batch.convolutions.flatMap((conv, index) => {
    const expected = joined(outputs[index]);
    const given = actual[accumulatorOutput(index)] ?? [];
    const at = firstDifference(given, expected);
    if (at < 0) return [];
    const where = `${name}, convolution ${index} (${describeConvolution(conv)})`;
    const what = `${place(at, outputOf(conv))} is ${given[at]}, ${expected[at]} expected`;
    return [{ index, message: `${where}: ${what}` }];
  });
}

/** One image after the other, as float32. */
function joined(images: readonly Int32Array[]): Float32Array {
  const all = new Float32Array(images.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const values of images) {
    all.set(values, at);
    at += values.length;
  }
  return all;
}
