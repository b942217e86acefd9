import { type Shape, sizeOf, type Tensor } from "../graph/types.js";
import type { EvaluateContext } from "./op.js";

/**
 * Builds a value element by element: `from` maps a position of the result to the position of the
 * source that is read there; undefined gives `fill`. The loop behind transpose, slice and pad.
 */
export function gather(
  source: Tensor,
  shape: Shape,
  context: EvaluateContext,
  from: (position: readonly number[]) => readonly number[] | undefined,
  fill = 0,
): Tensor {
  const data = context.array(sizeOf(shape));
  const position = new Array<number>(shape.length).fill(0);
  for (let i = 0; i < data.length; i++) {
    const at = from(position);
    data[i] = at ? source.data[offsetOf(at, source.shape)] : fill;
    advance(position, shape);
  }
  return { shape, data };
}

function offsetOf(position: readonly number[], shape: Shape): number {
  return shape.reduce((offset, dim, axis) => offset * dim + position[axis], 0);
}

/** Moves to the next position in row-major order. */
function advance(position: number[], shape: Shape): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (++position[axis] < shape[axis]) return;
    position[axis] = 0;
  }
}
