import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import {
  type FloatArray,
  type Shape,
  sizeOf,
  type Tensor,
  type ValueType,
} from "../graph/types.js";
import { axisOf, expectFloats } from "./checks.js";
import type { EvaluateContext, NodeCost } from "./op.js";

/** What sum, mean and max share: which dimensions go, and what is left. */
export type ReduceAttributes = {
  /** Dimensions to reduce, negative ones counted from the end; all of them where left out. */
  readonly axes?: readonly number[];
  /** Keep reduced dimensions as 1. Default: false. */
  readonly keepDims?: boolean;
};

/** The reduced dimensions in ascending order. */
export function reducedAxes(shape: Shape, { axes }: ReduceAttributes): number[] {
  if (!axes) return shape.map((_, axis) => axis);
  if (!axes.length) throw new OnebitError("axes is empty: leave it out to reduce every dimension");
  const positive = axes.map((axis) => axisOf(axis, shape.length));
  if (new Set(positive).size !== positive.length) {
    throw new OnebitError(`axes [${axes}] name a dimension twice`);
  }
  return positive.sort((a, b) => a - b);
}

/** The input's shape with reduced dimensions as 1. */
export function keptShape(shape: Shape, attrs: ReduceAttributes): Shape {
  const axes = reducedAxes(shape, attrs);
  return shape.map((dim, axis) => (axes.includes(axis) ? 1 : dim));
}

export function reduceType(inputs: readonly ValueType[], attrs: ReduceAttributes): ValueType[] {
  expectFloats(inputs, "x");
  return [{ shape: reducedShape(inputs[0].shape, attrs), dtype: "float32" }];
}

export function reducedShape(shape: Shape, attrs: ReduceAttributes): Shape {
  if (attrs.keepDims) return keptShape(shape, attrs);
  const axes = reducedAxes(shape, attrs);
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** Folds every reduced element into its result, in float64 and row-major order. */
export function reduceElements(
  x: Tensor,
  attrs: ReduceAttributes,
  context: EvaluateContext,
  start: number,
  fold: (result: number, value: number) => number,
): Tensor {
  const results = new Float64Array(sizeOf(keptShape(x.shape, attrs))).fill(start);
  const resultOf = resultIndex(x.shape, keptShape(x.shape, attrs));
  for (let i = 0; i < x.data.length; i++) {
    const at = resultOf(i);
    results[at] = fold(results[at], x.data[i]);
  }
  const data: FloatArray = context.array(results.length);
  data.set(results);
  return { shape: reducedShape(x.shape, attrs), data };
}

/** Which element of the reduced value element i of `shape` goes to. */
function resultIndex(shape: Shape, kept: Shape): (i: number) => number {
  return (i) => {
    let index = 0;
    let stride = 1;
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      if (kept[axis] !== 1) index += (rest % shape[axis]) * stride;
      rest = Math.floor(rest / shape[axis]);
      stride *= kept[axis];
    }
    return index;
  };
}

/** Stretches a reduced value back over the input's shape: the adjoint of a sum. */
export function spread(
  b: GraphBuilder,
  reduced: string,
  shape: Shape,
  attrs: ReduceAttributes,
): string {
  const kept = asKept(b, reduced, shape, attrs);
  return b.shape(kept).join() === shape.join() ? kept : b.op("expand", [kept], { shape });
}

/** A reduced value with its reduced dimensions as 1, so that it broadcasts against the input. */
export function asKept(
  b: GraphBuilder,
  reduced: string,
  shape: Shape,
  attrs: ReduceAttributes,
): string {
  const kept = keptShape(shape, attrs);
  return b.shape(reduced).join() === kept.join()
    ? reduced
    : b.op("reshape", [reduced], { shape: kept });
}

/** One operation per element read. */
export function reduceCost([x]: readonly ValueType[]): NodeCost {
  return { macs: 0, elementwise: sizeOf(x.shape) };
}
