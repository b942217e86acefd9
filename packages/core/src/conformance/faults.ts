import { paddingEnd } from "../program/geometry.js";
import type { BinaryConvStep, Program, ProgramTensors, Step } from "../program/types.js";
import type { Backend, Executable } from "../runtime/backend.js";
import { checkConvolutions, expectedOfBatch } from "./check-convolutions.js";
import { addBorderError, addTailError } from "./damaged-outputs.js";
import type { Outputs } from "./guarded-run.js";
import { Random } from "./random.js";
import { BATCH_SIZE } from "./random-convolutions.js";

type DamageWeights = (
  data: Uint8Array,
  step: BinaryConvStep,
  channels: number,
  random: Random,
) => void;
type DamageOutput = (
  data: Float32Array,
  step: BinaryConvStep,
  program: Program,
  random: Random,
) => void;

type MistakeStep = (step: BinaryConvStep) => BinaryConvStep;

/** Mistakes that a kernel or its tables could have: in what it computes, with what, or seen in what comes out. */
const MISTAKES = {
  "wrong weight bit": { weights: flipBit },
  "wrong border class": { output: addBorderError },
  "wrong tail mask": { output: addTailError },
  "swapped channels": { weights: swapRows },
  "border not replicated": { step: padWithZeros },
  "dilation ignored": { step: closeTaps },
} satisfies { [fault: string]: Mistake };

interface Mistake {
  readonly weights?: DamageWeights;
  readonly output?: DamageOutput;
  readonly step?: MistakeStep;
}

export type Fault = keyof typeof MISTAKES;
export const FAULTS = Object.keys(MISTAKES) as readonly Fault[];

/** Batches after which a fault counts as missed. */
const PATIENCE = 8;

/**
 * Convolutions tried until the suite found a mistake that was put into the backend on purpose;
 * undefined where it did not.
 */
export async function casesUntilCaught(
  backend: Backend,
  fault: Fault,
  seed: number,
): Promise<number | undefined> {
  const faulty = withFault(backend, fault, seed);
  for (let batch = 0; batch < PATIENCE; batch++) {
    const expectation = expectedOfBatch(seed * PATIENCE + batch);
    const [first] = (await checkConvolutions(faulty, 1, expectation)).differences;
    if (first) return batch * BATCH_SIZE + first.index + 1;
  }
  return undefined;
}

/** The backend with one mistake in its binary convolutions; the seed says where. */
export function withFault(backend: Backend, fault: Fault, seed: number): Backend {
  const { weights, output, step }: Mistake = MISTAKES[fault];
  return {
    ...backend,
    name: `${backend.name} with a ${fault}`,
    unavailable: () => backend.unavailable(),
    async compile(program, tensors, options) {
      const given = weights ? damageWeights(program, tensors, weights, seed) : tensors;
      const mistaken = step ? { ...program, steps: mistake(program, step) } : program;
      const executable = await backend.compile(mistaken, given, options);
      const run: Executable["run"] = async (images, count) => {
        const outputs = await executable.run(images, count);
        if (output) damageOutputs(program, outputs, output, seed);
        return outputs;
      };
      return { run, dispose: () => executable.dispose() };
    },
  };
}

function binaryConvs({ steps }: Program): BinaryConvStep[] {
  return steps.filter((step) => step.kind === "binary-conv");
}

function mistake({ steps }: Program, change: MistakeStep): Step[] {
  return steps.map((step) => (step.kind === "binary-conv" ? change(step) : step));
}

function padWithZeros(step: BinaryConvStep): BinaryConvStep {
  return step.padValue === "replicate" ? { ...step, padValue: 0 } : step;
}

/** Kernel positions side by side, of as many windows, where so much padding was there. */
function closeTaps({ dilation = [1, 1], ...step }: BinaryConvStep): BinaryConvStep {
  const less = ([y, x]: readonly [number, number]) => {
    const along = (p: number, axis: 0 | 1) =>
      p - ((step.kernel[axis] - 1) * (dilation[axis] - 1)) / 2;
    return [along(y, 0), along(x, 1)] as const;
  };
  const [padding, end] = [less(step.padding), less(paddingEnd(step))];
  const possible = [...padding, ...end].every((p) => Number.isInteger(p) && p >= 0);
  return possible ? { ...step, padding, paddingEnd: end } : { ...step, dilation };
}

function damageWeights(
  program: Program,
  tensors: ProgramTensors,
  damage: DamageWeights,
  seed: number,
): ProgramTensors {
  const changed = binaryConvs(program).map((step) => {
    const data = Uint8Array.from(tensors[step.weight].data);
    damage(data, step, program.values[step.input].shape[2], new Random(seed));
    return [step.weight, { ...tensors[step.weight], data }];
  });
  return { ...tensors, ...Object.fromEntries(changed) };
}

/** Of the accumulators that a convolution stores. */
function damageOutputs(
  program: Program,
  outputs: Outputs,
  damage: DamageOutput,
  seed: number,
): void {
  for (const step of binaryConvs(program)) {
    const [op] = step.epilogue;
    if (op[0] !== "store") continue;
    damage(outputs[program.values[op[2]].name], step, program, new Random(seed));
  }
}

function flipBit(data: Uint8Array, step: BinaryConvStep, channels: number, random: Random): void {
  const rowBytes = data.length / step.out;
  const length = (step.kernel[0] * step.kernel[1] * channels) / step.groups;
  const bit = random.int(0, length - 1);
  data[random.int(0, step.out - 1) * rowBytes + (bit >> 3)] ^= 1 << (bit & 7);
}

/** Two neighbours of one group. */
function swapRows(
  data: Uint8Array,
  { out, groups }: BinaryConvStep,
  _channels: number,
  random: Random,
): void {
  const groupOut = out / groups;
  if (groupOut < 2) return;
  const rowBytes = data.length / out;
  const first = random.int(0, groups - 1) * groupOut + random.int(0, groupOut - 2);
  const [start, middle, end] = [first, first + 1, first + 2].map((row) => row * rowBytes);
  const row = data.slice(start, middle);
  data.copyWithin(start, middle, end);
  data.set(row, middle);
}
