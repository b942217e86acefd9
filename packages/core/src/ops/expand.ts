import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";
import { mapElements, reduceTo } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";

export type ExpandAttributes = { readonly shape: Shape };

/** Stretches x to `shape` by NumPy's broadcasting rule; the gradient is summed back. */
export const expand: Op<ExpandAttributes> = {
  name: "expand",
  infer(inputs, { shape }) {
    expectFloats(inputs, "x");
    const from = inputs[0].shape;
    const aligned = shape.slice(shape.length - from.length);
    const fits = from.every((dim, axis) => dim === 1 || dim === aligned[axis]);
    if (from.length > shape.length || !fits) {
      throw new OnebitError(`[${from}] does not stretch to [${shape}]`);
    }
    return [{ shape, dtype: "float32" }];
  },
  evaluate: ([x], { shape }, context) => [
    mapElements([x, { shape, data: context.array(0) }], context, (value) => value),
  ],
  gradient: ({ b, inputs: [x], gradOutputs: [g], needs }) => [
    g && needs[0] ? reduceTo(b, g, b.shape(x)) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower: (l, { shape }) => [l.emit("Expand", [l.inputs[0], l.ints(shape)])],
};
