import type { Attributes, DataType, Mode, Shape, Tensor } from "../graph/types.js";
import { opNamed } from "../ops/index.js";

/** Shape of an op's first output. Throws what the op's shape rule throws. */
export function inferShape(
  op: string,
  shapes: readonly Shape[],
  attrs: Attributes = {},
  dtypes: readonly DataType[] = [],
): Shape {
  const types = shapes.map((shape, i) => ({ shape, dtype: dtypes[i] ?? "float32" }));
  return opNamed(op).infer(types, attrs)[0].shape;
}

/** Evaluates one op in float64. */
export function evaluateOp(
  op: string,
  inputs: readonly Tensor[],
  attrs: Attributes = {},
  mode: Mode = "inference",
): Tensor[] {
  return opNamed(op).evaluate(inputs, attrs, { mode, array: (n) => new Float64Array(n) });
}

/** A tensor of the given elements; without a shape it has one dimension. */
export function tensor(values: readonly number[], shape: Shape = [values.length]): Tensor {
  return { shape, data: Float64Array.from(values) };
}

/** Elements of the first output of an element-wise op over one-dimensional inputs. */
export function valuesOf(
  op: string,
  inputs: readonly (readonly number[])[],
  attrs: Attributes = {},
  mode: Mode = "inference",
): number[] {
  const tensors = inputs.map((values) => tensor(values));
  return [...evaluateOp(op, tensors, attrs, mode)[0].data];
}
