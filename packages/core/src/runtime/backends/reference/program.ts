import { elementCount, outputShape } from "../../../program/geometry.js";
import { writeOf } from "../../../program/micro-ops.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import type { Executable } from "../../backend.js";
import { checkBatch } from "../../batch.js";
import { checkMemory } from "../../budget.js";
import { checkThere } from "../../tensors-there.js";
import { binaryConv } from "./binary-conv.js";
import { conv } from "./conv.js";
import { applyEpilogue } from "./epilogue.js";
import { linear } from "./linear.js";
import { pointwise } from "./pointwise.js";
import { pool } from "./pool.js";
import { quantise } from "./quantise.js";
import { shuffle } from "./shuffle.js";

/**
 * Values of one image, by value id: float32 [H, W, C]; bits as -1 and +1, one byte each.
 */
export type Values = readonly (Float32Array | Int8Array)[];

/** What a step is computed from and into. */
export interface StepContext {
  readonly program: Program;
  readonly tensors: ProgramTensors;
  readonly values: Values;
}

/** Every value of one image, by value id: for bisecting and tests. */
export function runValues(program: Program, tensors: ProgramTensors, image: Float32Array): Values {
  const context = createContext(program, tensors);
  context.values[program.input].set(image);
  for (const step of program.steps) runStep(context, step);
  return context.values;
}

/** Empty values, for running a program step by step. */
export function createContext(program: Program, tensors: ProgramTensors): StepContext {
  const values = program.values.map(({ kind, shape }) =>
    kind === "bits" ? new Int8Array(elementCount(shape)) : new Float32Array(elementCount(shape)),
  );
  return { program, tensors, values };
}

export function prepareProgram(
  program: Program,
  tensors: ProgramTensors,
  memory?: number,
): Executable {
  const memoryBytes = peakBytes(program, tensors);
  checkMemory("reference", memoryBytes, memory);
  const context = createContext(program, tensors);
  const { values } = context;
  let times: number[] = [];
  return {
    threads: 1,
    threadsReason: "the reference backend has one thread",
    async run(images, count) {
      const length = values[program.input].length;
      checkBatch(images, count, length);
      checkThere(tensors);
      const outputs = allocateOutputs(context, count);
      times = program.steps.map(() => 0);
      for (let image = 0; image < count; image++) {
        values[program.input].set(images.subarray(image * length, (image + 1) * length));
        program.steps.forEach((step, i) => {
          const start = performance.now();
          runStep(context, step);
          times[i] += performance.now() - start;
        });
        for (const [name, id] of Object.entries(program.outputs)) {
          outputs[name].set(values[id], image * values[id].length);
        }
      }
      return outputs;
    },
    memoryBytes,
    profile: () => times,
    dispose: () => {},
  };
}

/** All values, and what the largest step takes besides: its registers, and its weights a byte or more each. */
function peakBytes(program: Program, tensors: ProgramTensors): number {
  const values = program.values.map(
    ({ kind, shape }) => elementCount(shape) * (kind === "bits" ? 1 : 4),
  );
  const steps = program.steps.map((step) => {
    const registers = 1 + step.epilogue.filter((op) => writeOf(op) === undefined).length;
    const weights = step.kind === "binary-conv" ? 8 * tensors[step.weight].data.length : 0;
    return 4 * registers * elementCount(outputShape(program, step)) + weights;
  });
  return values.reduce((sum, bytes) => sum + bytes, 0) + steps.reduce((a, b) => Math.max(a, b), 0);
}

function allocateOutputs({ program, values }: StepContext, count: number) {
  const entries = Object.entries(program.outputs);
  return Object.fromEntries(
    entries.map(([name, id]) => [name, new Float32Array(count * values[id].length)]),
  );
}

/** Computes one step on the current values. */
export function runStep(context: StepContext, step: Step): void {
  const shape = outputShape(context.program, step);
  applyEpilogue(context, step, shape, accumulate(context, step));
}

/** The accumulator of a step, [H, W, C] of its output. */
export function accumulate(context: StepContext, step: Step): Float32Array {
  switch (step.kind) {
    case "binary-conv":
      return binaryConv(context, step);
    case "conv":
      return conv(context, step);
    case "linear":
      return linear(context, step);
    case "pool":
      return pool(context, step);
    case "pointwise":
      return pointwise(context, step);
    case "quantise":
      return quantise(context, step);
    case "shuffle":
      return shuffle(context, step);
    default:
      return step satisfies never;
  }
}
