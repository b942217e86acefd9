import type { Assets } from "../../../platform/web-types.js";
import { boot } from "./boot.js";
import { compileProgram } from "./compile.js";
import { type BinaryConvKernel, classKey, estimatedKernel, kernelsFor } from "./kernel-choice.js";
import { pieceProducts, pieceProgram } from "./layer-piece.js";
import { measuredKernels, type ShapeClass } from "./measured-kernels.js";

const ROUNDS = 3;
/** A piece runs so long at least, and so many steps of a clock that may be coarse in browsers. */
const LEAST_MS = 0.15;
const LEAST_STEPS = 2;
/** What another kernel must save: differences below that are noise. */
const MARGIN = 0.95;
/** Of a piece. */
const MOST_PRODUCTS = 1e8;
/** What a piece may take: more than any layer of a network. */
const PIECE_BYTES = 2 ** 26;
/** Times that it must win again, some milliseconds later: other programs disturb. */
const CONFIRMATIONS = 2;

/** Runs a piece of a layer once. */
type Run = () => void;

/**
 * Measures which kernel computes each shape class fastest here, for measuredKernels. Resolves to whether one of
 * them is not the estimate. Takes about 6 ms per class (kernels/probe.mjs).
 */
export async function probeKernels(
  shapes: readonly ShapeClass[],
  assets?: Assets,
): Promise<boolean> {
  let changed = false;
  for (const shape of shapes) {
    const kernel = await fastestKernel(shape, assets);
    measuredKernels.set(classKey(shape.step, shape.input), kernel);
    changed ||= kernel !== estimatedKernel(shape.step, shape.input);
  }
  return changed;
}

async function fastestKernel(
  shape: ShapeClass,
  assets: Assets | undefined,
): Promise<BinaryConvKernel> {
  const estimate = estimatedKernel(shape.step, shape.input);
  // A row of it takes longer than measuring may: whatever network it is of, it is no usual layer.
  if (pieceProducts(shape) > MOST_PRODUCTS) return estimate;
  const others = kernelsFor(shape.step, shape.input).filter((kernel) => kernel !== estimate);
  const kernels = [estimate, ...others];
  const runs = await Promise.all(kernels.map((kernel) => pieceOf(shape, kernel, assets)));
  warming ??= warmUp(runs);
  await warming;
  const winner = winnerOf(runs);
  for (let i = 0; i < CONFIRMATIONS && winner > 0; i++) {
    await pause();
    if (winnerOf(runs) !== winner) return estimate;
  }
  return kernels[winner];
}

/** The first, unless another takes clearly less time. */
function winnerOf(runs: readonly Run[]): number {
  const times = fastestTimes(runs);
  const best = times.indexOf(Math.min(...times));
  return times[best] < times[0] * MARGIN ? best : 0;
}

/** Of each, in turns: the rounds are over before the machine's speed changes. */
function fastestTimes(runs: readonly Run[]): number[] {
  const least = Math.max(LEAST_MS, LEAST_STEPS * clockStep());
  const times = runs.map(() => Number.POSITIVE_INFINITY);
  for (let round = 0; round < ROUNDS; round++) {
    runs.forEach((run, i) => {
      times[i] = Math.min(times[i], timeOf(run, least));
    });
  }
  return times;
}

/** Milliseconds; from one step of the clock to another. */
function timeOf(run: Run, least: number): number {
  const start = nextStep();
  let runs = 0;
  let elapsed = 0;
  while (elapsed < least) {
    run();
    runs++;
    elapsed = performance.now() - start;
  }
  return elapsed / runs;
}

function nextStep(): number {
  const before = performance.now();
  let after = before;
  while (after === before) after = performance.now();
  return after;
}

function clockStep(): number {
  const first = nextStep();
  return nextStep() - first;
}

let warming: Promise<void> | undefined;

/** V8 compiles kernels anew, on other threads, when they have run for some milliseconds. */
async function warmUp(runs: readonly Run[]): Promise<void> {
  for (let round = 0; round < 3; round++) {
    for (const run of runs) for (let i = 0; i < 8; i++) run();
    await pause();
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 2));
}

/** Weights and signs are all alike: no kernel takes longer for others. */
async function pieceOf(
  shape: ShapeClass,
  kernel: BinaryConvKernel,
  assets: Assets | undefined,
): Promise<Run> {
  const { program, tensors } = pieceProgram(shape);
  const compiled = compileProgram(program, tensors, { kernel, memory: PIECE_BYTES });
  const { runner } = await boot(compiled, { assets });
  const steps = compiled.steps.slice(1);
  return () => runner.runSteps(steps);
}
