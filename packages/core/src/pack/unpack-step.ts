import type { Attributes } from "../graph/types.js";
import { isPadded, type MapShape, outputShape, paddingEnd } from "../program/geometry.js";
import type {
  BinaryConvStep,
  ConvStep,
  PoolStep,
  Program,
  ShuffleStep,
  Step,
  ValueId,
} from "../program/types.js";
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
      const { stride, groups, dilation } = step;
      const data = signsOf(values.bits(step.weight), step, channels);
      const shape = [step.out, channels / groups, ...step.kernel];
      const w = values.weight(step.weight, shape, data, "binary");
      const replicates = step.padValue === "replicate";
      const [map, padding] = replicates
        ? [replicated(values, step, x, scope), [0, 0]]
        : around(values, step, x, Number(step.padValue), scope);
      const outside = { padding, padValue: replicates ? 0 : step.padValue };
      const attrs = { stride, groups, ...outside, ...(dilation && { dilation }) };
      return values.op("binary-conv", [map, w], attrs, name);
    }
    case "conv": {
      const { stride, groups } = step;
      const [map, padding] = around(values, step, x, 0, scope);
      const data = planesOf(values.numbers(step.weight), step, channels);
      const shape = [step.out, channels / groups, ...step.kernel];
      const w = values.weight(step.weight, shape, data, "other");
      return values.op("conv", [map, w], { stride, padding, groups }, name);
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
    case "shuffle":
      return shuffled(values, step, x, { scope, name });
    case "quantise": {
      const { bits, clip, group } = step;
      const leading = group === "image" ? 1 : 2;
      return values.op("quantise", [x], { bits, clip, leading }, name);
    }
    default:
      return step satisfies never;
  }
}

function replicated(values: UnpackedValues, step: BinaryConvStep, x: string, scope: string) {
  if (!isPadded(step)) return x;
  const attrs = { padding: step.padding, paddingEnd: paddingEnd(step) };
  return values.op("replicate-pad", [x], attrs, `${scope}/pad`);
}

/** Elements as channels, in the order h, w, c; dealt out; those that are wanted, and zeros around them. */
function shuffled(
  values: UnpackedValues,
  { first, out, dealt, whole }: ShuffleStep,
  x: string,
  { scope, name }: { readonly scope: string; readonly name: string | ValueId },
): string {
  const inner = (label: string) => `${scope}/${label}`;
  const [, channels, height, width] = values.b.shape(x);
  const count = whole ? channels * height * width : channels;
  const start = Math.max(0, first);
  const end = Math.min(count, first + out);
  const parts: [op: string, attrs: Attributes][] = [];
  if (whole) parts.push(["reshape", { shape: [0, -1, 1, 1] }]);
  // Taken apart, they are in the order c, h, w.
  const inOrder = whole && dealt === height * width;
  if (whole && !inOrder) parts.push(["channel-shuffle", { groups: channels }]);
  if (!inOrder) parts.push(["channel-shuffle", { groups: dealt }]);
  if (end - start < count) parts.push(["slice", { axis: 1, start, end }]);
  const [before, after] = [start - first, first + out - end];
  const pads = { before: [0, before, 0, 0], after: [0, after, 0, 0], value: 0 };
  if (before + after > 0) parts.push(["pad", pads]);
  return parts.reduce((value, [op, attrs], i) => {
    return values.op(op, [value], attrs, i === parts.length - 1 ? name : inner(op));
  }, x);
}

const LOWEST = -3.4028234663852886e38;

/** Where the padding is more than half the kernel, ONNX and the graph's own op do not take it. */
function pool(
  values: UnpackedValues,
  step: PoolStep,
  x: string,
  scope: string,
  name: string | ValueId,
): string {
  const { mode, kernel, stride } = step;
  const op = mode === "max" ? "max-pool" : "average-pool";
  const isWide = step.padding.some((p, axis) => 2 * p > kernel[axis]);
  const value = mode === "max" ? LOWEST : 0;
  const [map, padding] = around(values, step, x, value, scope, isWide);
  return values.op(op, [map], { kernel, stride, padding }, name);
}

/** Padding that an op has itself, the same on both sides, or a node of its own before it. */
function around(
  values: UnpackedValues,
  step: BinaryConvStep | ConvStep | PoolStep,
  x: string,
  value: number,
  scope: string,
  apart = false,
): [map: string, padding: readonly [number, number]] {
  const { padding } = step;
  const end = paddingEnd(step);
  if (!apart && padding.join() === end.join()) return [x, padding];
  const pads = { before: [0, 0, ...padding], after: [0, 0, ...end], value };
  return [values.op("pad", [x], pads, `${scope}/pad`), [0, 0]];
}
