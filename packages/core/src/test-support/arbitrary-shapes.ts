import fc from "fast-check";
import { type Shape, sizeOf, type Tensor } from "../graph/types.js";

/** Shapes of 0 to 4 dimensions of 1 to 4. */
export function anyShape(minRank = 0, maxRank = 4): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 4 }), { minLength: minRank, maxLength: maxRank });
}

/** A shape that broadcasts to `shape`: leading dimensions may be missing, any may be 1. */
export function broadcastable(shape: Shape): fc.Arbitrary<number[]> {
  const dims = shape.map((dim) => fc.constantFrom(1, dim));
  return fc
    .tuple(fc.tuple(...dims), fc.integer({ min: 0, max: shape.length }))
    .map(([all, missing]) => all.slice(missing));
}

/** A tensor whose elements are 0, 1, 2, ...: every move of an element shows. */
export function counting(shape: Shape): Tensor {
  return { shape, data: Float64Array.from({ length: sizeOf(shape) }, (_, i) => i) };
}

/** Calls visit with every position of a shape in row-major order. */
export function forEachPosition(shape: Shape, visit: (position: readonly number[]) => void): void {
  const walk = (prefix: readonly number[]) => {
    if (prefix.length === shape.length) return visit(prefix);
    for (let i = 0; i < shape[prefix.length]; i++) walk([...prefix, i]);
  };
  walk([]);
}

/** The element at a position. Written apart from the ops so that it can check them. */
export function at(tensor: Tensor, position: readonly number[]): number {
  let offset = 0;
  for (let axis = 0; axis < tensor.shape.length; axis++) {
    offset = offset * tensor.shape[axis] + position[axis];
  }
  return tensor.data[offset];
}
