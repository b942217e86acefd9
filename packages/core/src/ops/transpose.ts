import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";
import { expectFloats } from "./checks.js";
import { gather } from "./gather.js";
import type { Op } from "./op.js";

export type TransposeAttributes = {
  /** Dimension i of the result is dimension perm[i] of the input. */
  readonly perm: readonly number[];
};

/** Reorders the dimensions; the gradient goes back through the inverse order. */
export const transpose: Op<TransposeAttributes> = {
  name: "transpose",
  infer(inputs, { perm }) {
    expectFloats(inputs, "x");
    const { shape } = inputs[0];
    if ([...perm].sort((a, b) => a - b).join() !== shape.map((_, axis) => axis).join()) {
      throw new OnebitError(`perm [${perm}] must name every dimension of [${shape}] once`);
    }
    return [{ shape: permuted(shape, perm), dtype: "float32" }];
  },
  evaluate([x], { perm }, context) {
    const inverse = inverseOf(perm);
    return [gather(x, permuted(x.shape, perm), context, (at) => inverse.map((axis) => at[axis]))];
  },
  gradient: ({ b, gradOutputs: [g], needs }, { perm }) => [
    g && needs[0] ? b.op("transpose", [g], { perm: inverseOf(perm) }) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower: (l, { perm }) => [l.transpose(l.inputs[0], perm)],
};

function permuted(shape: Shape, perm: readonly number[]): Shape {
  return perm.map((axis) => shape[axis]);
}

function inverseOf(perm: readonly number[]): number[] {
  return perm.map((_, axis) => perm.indexOf(axis));
}
