import { type MapShape, outputShape } from "../program/geometry.js";
import type { PoolStep, Program, Step, ValueId } from "../program/types.js";
import type { UnpackedValues } from "./unpack-values.js";
import { planesOf, signsOf } from "./unpack-weights.js";

/** What one step is turned into nodes with. */
export interface UnpackedStep {
  readonly values: UnpackedValues;
  readonly step: Step;
  /** Of the accumulator. */
  readonly shape: MapShape;
  /** What the step's nodes are named after: the graph node that opened it when it was packed. */
  readonly scope: string;
}

export function describeStep(
  values: UnpackedValues,
  program: Program,
  index: number,
): UnpackedStep {
  const step = program.steps[index];
  const opener = "weight" in step ? step.weight.replace(/\.weight(\.\d+)?$/, "") : undefined;
  const scope = step.covers.find((name) => name === opener) ?? step.covers[0] ?? `step-${index}`;
  return { values, step, shape: outputShape(program, step), scope };
}

/** Nodes that compute a step's accumulator, [N, C, H, W]; `name` is for the last of them. */
export function accumulate({ values, step, scope }: UnpackedStep, name: string | ValueId): string {
  const x = values.read(step.input);
  const channels = values.b.shape(x)[1];
  switch (step.kind) {
    case "binary-conv": {
      const { stride, padding, groups, padValue } = step;
      const data = signsOf(values.bits(step.weight), step, channels);
      const shape = [step.out, channels / groups, ...step.kernel];
      const w = values.weight(step.weight, shape, data, "binary");
      return values.op("binary-conv", [x, w], { stride, padding, groups, padValue }, name);
    }
    case "conv": {
      const { stride, padding, groups } = step;
      const data = planesOf(values.numbers(step.weight), step, channels);
      const shape = [step.out, channels / groups, ...step.kernel];
      const w = values.weight(step.weight, shape, data, "other");
      return values.op("conv", [x, w], { stride, padding, groups }, name);
    }
    case "linear": {
      // On one pixel a matrix is a 1x1 kernel, and vectors stay [N, C, 1, 1].
      const shape = [step.out, channels, 1, 1];
      const w = values.weight(step.weight, shape, values.numbers(step.weight), "other");
      return values.op("conv", [x, w], { stride: [1, 1], padding: [0, 0], groups: 1 }, name);
    }
    case "pool":
      return pool(values, step, x, scope, name);
    case "pointwise":
      return x;
    case "quantise": {
      const { bits, clip, group } = step;
      const leading = group === "image" ? 1 : 2;
      return values.op("quantise", [x], { bits, clip, leading }, name);
    }
    default:
      return step satisfies never;
  }
}

const LOWEST = -3.4028234663852886e38;

/** Where the padding is more than half the kernel, ONNX and the graph's own op do not take it. */
function pool(
  values: UnpackedValues,
  { mode, kernel, stride, padding }: PoolStep,
  x: string,
  scope: string,
  name: string | ValueId,
): string {
  const op = mode === "max" ? "max-pool" : "average-pool";
  if (padding.every((p, axis) => 2 * p <= kernel[axis])) {
    return values.op(op, [x], { kernel, stride, padding }, name);
  }
  const around = [0, 0, ...padding];
  const value = mode === "max" ? LOWEST : 0;
  const padded = values.op("pad", [x], { before: around, after: around, value }, `${scope}/pad`);
  return values.op(op, [padded], { kernel, stride, padding: [0, 0] }, name);
}
