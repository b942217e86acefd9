import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import {
  type FloatArray,
  type Shape,
  sizeOf,
  type Tensor,
  type ValueType,
} from "../graph/types.js";
import type { EvaluateContext, NodeCost } from "./op.js";

/** NumPy broadcasting: shapes aligned at the right, dimensions of 1 stretch. */
export function broadcastShapes(shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    const dims = shapes.map((shape) => shape[shape.length - rank + axis] ?? 1);
    const size = Math.max(...dims);
    if (dims.some((dim) => dim !== 1 && dim !== size)) {
      throw new OnebitError(`shapes [${shapes.join("] and [")}] do not broadcast`);
    }
    return size;
  });
}

/** For each element of `shape`, the offset of the element of `source` that is read there. */
function offsets(source: Shape, shape: Shape): (i: number) => number {
  if (source.join() === shape.join()) return (i) => i;
  if (sizeOf(source) === 1) return () => 0;
  const strides = new Array<number>(shape.length).fill(0);
  let stride = 1;
  for (let axis = shape.length - 1, s = source.length - 1; s >= 0; axis--, s--) {
    strides[axis] = source[s] === 1 ? 0 : stride;
    stride *= source[s];
  }
  return (i) => {
    let offset = 0;
    let rest = i;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      offset += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    return offset;
  };
}

/** Applies an element-wise function with broadcasting. */
export function mapElements(
  inputs: readonly Tensor[],
  context: EvaluateContext,
  f: (...values: number[]) => number,
): Tensor {
  const shape = broadcastShapes(inputs.map((input) => input.shape));
  const data: FloatArray = context.array(sizeOf(shape));
  const readers = inputs.map((input) => {
    const at = offsets(input.shape, shape);
    return (i: number) => input.data[at(i)];
  });
  for (let i = 0; i < data.length; i++) data[i] = f(...readers.map((read) => read(i)));
  return { shape, data };
}

/** The adjoint of broadcasting: sums `value` down to `shape`. */
export function reduceTo(b: GraphBuilder, value: string, shape: Shape): string {
  const from = b.shape(value);
  if (from.join() === shape.join()) return value;
  const lead = from.length - shape.length;
  const axes = from.flatMap((dim, axis) => {
    const kept = axis >= lead && shape[axis - lead] === dim;
    return kept ? [] : [axis];
  });
  const summed = axes.length ? b.op("sum", [value], { axes, keepDims: true }) : value;
  if (b.shape(summed).join() === shape.join()) return summed;
  return b.op("reshape", [summed], { shape });
}

/** One arithmetic operation per output element. */
export function elementwiseCost(outputs: readonly ValueType[], perElement = 1): NodeCost {
  return { macs: 0, elementwise: perElement * sizeOf(outputs[0].shape) };
}
