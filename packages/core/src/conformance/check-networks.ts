import { elementCount } from "../program/geometry.js";
import type { Backend } from "../runtime/backend.js";
import { reference } from "../runtime/backends/reference/index.js";
import { checkSteps } from "./check-steps.js";
import { firstDifference, type Outputs, place, runGuarded } from "./guarded-run.js";
import { integerOutputs } from "./integer-outputs.js";
import { type RandomProgram, randomProgram } from "./random-program.js";

/** A random network, one to three images, and what the reference backend makes of them. */
export interface NetworkExpectation {
  /** "network 17": what it takes to make it again. */
  readonly name: string;
  readonly network: RandomProgram;
  readonly images: Float32Array;
  readonly count: number;
  readonly outputs: Outputs;
}

export async function expectedOfNetwork(seed: number, wide = false): Promise<NetworkExpectation> {
  const name = `${wide ? "wide " : ""}network ${seed}`;
  const network = randomProgram(seed, wide);
  const { program, tensors } = network;
  const count = 1 + (seed % 3);
  const images = severalImages(network, count);
  const executable = await reference.compile(program, tensors, { threads: 1 });
  return { name, network, images, count, outputs: await executable.run(images, count) };
}

/** The image itself, turned round, and negated. */
function severalImages({ program, image }: RandomProgram, count: number): Float32Array {
  const size = elementCount(program.values[program.input].shape);
  const images = new Float32Array(count * size);
  images.set(image);
  if (count > 1) images.set(image.slice().reverse(), size);
  if (count > 2)
    images.set(
      image.map((value) => -value),
      2 * size,
    );
  return images;
}

/**
 * Undefined where a backend gives the reference's bits, as far as it promises, and each step alone what the
 * bounds allow; else the first that differ.
 */
export async function checkNetwork(
  backend: Backend,
  threads: number,
  { network, images, count, outputs, name }: NetworkExpectation,
): Promise<string | undefined> {
  const { program, tensors } = network;
  const executable = await backend.compile(program, tensors, { threads });
  try {
    await executable.ready?.();
    const actual = await runGuarded(executable, images, count);
    const promised = backend.exact === "bits" ? Object.keys(outputs) : integerOutputs(program);
    for (const output of promised) {
      const expected = outputs[output];
      const at = firstDifference(actual[output] ?? [], expected);
      if (at < 0) continue;
      const where = place(at, program.values[program.outputs[output]].shape);
      return `${name}: ${output}, ${where} is ${actual[output]?.[at]}, ${expected[at]} expected`;
    }
    const image = images.subarray(0, images.length / count);
    const step = await checkSteps(executable, program, tensors, image);
    return step && `${name}: ${step}`;
  } finally {
    executable.dispose();
  }
}
