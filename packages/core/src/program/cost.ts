import { elementCount, outputShape, packedRowBytes, reductionLength } from "./geometry.js";
import { operandsOf } from "./micro-ops.js";
import type { Program, Step, StepKind } from "./types.js";

/** What one image costs in one step, counted from the program alone. */
export interface StepCost {
  readonly kind: StepKind;
  readonly covers: readonly string[];
  /** 1-bit by 1-bit multiply-accumulates. */
  readonly binaryMacs: number;
  /** Float multiply-accumulates. */
  readonly macs: number;
  /** Element-wise passes of the epilogue, and window positions of pools. */
  readonly elementwise: number;
  /** Weights and per-channel vectors as float32 and bits, in bytes. */
  readonly weightBytes: number;
  /** Maps, bits and vectors read and written, in bytes. */
  readonly activationBytes: number;
}

/** Sums over steps. */
export type CostTotals = Omit<StepCost, "kind" | "covers">;

/** What a program takes for one image, in all and step by step. */
export interface ProgramCost extends CostTotals {
  readonly steps: readonly StepCost[];
}

/** Multiply-accumulates, operations and bytes of a program, for one image. */
export function programCost(program: Program): ProgramCost {
  const steps = program.steps.map((step) => stepCost(program, step));
  const sum = (field: keyof CostTotals) => steps.reduce((total, step) => total + step[field], 0);
  return {
    binaryMacs: sum("binaryMacs"),
    macs: sum("macs"),
    elementwise: sum("elementwise"),
    weightBytes: sum("weightBytes"),
    activationBytes: sum("activationBytes"),
    steps,
  };
}

function stepCost(program: Program, step: Step): StepCost {
  const shape = outputShape(program, step);
  const outputs = elementCount(shape);
  const core = coreCost(step, program.values[step.input].shape[2], outputs);
  const vectors = new Set(step.epilogue.flatMap((op) => operandsOf<string>(op, "tensor")));
  const channels = shape[2];
  const arithmetic = step.epilogue.filter(([name]) => !["load", "store"].includes(name)).length;
  return {
    kind: step.kind,
    covers: step.covers,
    binaryMacs: core.binaryMacs,
    macs: core.macs,
    elementwise: core.elementwise + arithmetic * outputs,
    weightBytes: core.weightBytes + vectors.size * channels * 4,
    activationBytes: activationBytes(program, step, channels),
  };
}

function coreCost(step: Step, channels: number, outputs: number) {
  const none = { binaryMacs: 0, macs: 0, elementwise: 0, weightBytes: 0 };
  switch (step.kind) {
    case "binary-conv":
      return {
        ...none,
        binaryMacs: outputs * reductionLength(step, channels),
        weightBytes: step.out * packedRowBytes(step, channels),
      };
    case "conv": {
      const length = reductionLength(step, channels);
      return { ...none, macs: outputs * length, weightBytes: step.out * length * 4 };
    }
    case "linear":
      return { ...none, macs: step.out * channels, weightBytes: step.out * channels * 4 };
    case "pool":
      return { ...none, elementwise: outputs * step.kernel[0] * step.kernel[1] };
    case "quantise":
      return { ...none, elementwise: outputs * QUANTISE_OPERATIONS };
    case "pointwise":
    case "shuffle":
      return none;
    default:
      return step satisfies never;
  }
}

/** Clip, smallest, largest, and seven operations on the grid. */
const QUANTISE_OPERATIONS = 10;

/** A slice that a step writes into a wider value counts with the step's channels. */
function activationBytes(program: Program, step: Step, channels: number): number {
  const bytes = (id: number, width = program.values[id].shape[2]) => {
    const { kind, shape, type } = program.values[id];
    const pixels = shape[0] * shape[1];
    if (kind === "bits") return Math.ceil((pixels * width) / 8);
    return pixels * width * (type === "bfloat16" ? 2 : 4);
  };
  const read = step.epilogue.flatMap((op) => operandsOf(op, "read"));
  const written = step.epilogue.flatMap((op) => operandsOf(op, "write"));
  const total = (ids: number[], width?: number) =>
    ids.reduce((sum, id) => sum + bytes(id, width), 0);
  return bytes(step.input) + total(read) + total(written, channels);
}
