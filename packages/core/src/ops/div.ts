import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/**
 * y = a / b, with NumPy broadcasting.
 *
 *   da = g / b,  db = -sum(g * y) / b     (the sum runs over the dimensions that b stretches)
 */
export const div: Op = {
  name: "div",
  infer: (inputs) => elementwiseType(inputs, "a", "b"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (a, b) => a / b)],
  gradient({ b, inputs: [x, d], outputs: [y], gradOutputs: [g], needs }) {
    if (!g) return [];
    const denominator = () => {
      const summed = reduceTo(b, b.op("mul", [g, y]), b.shape(d));
      return b.op("neg", [b.op("div", [summed, d])]);
    };
    return [
      needs[0] ? reduceTo(b, b.op("div", [g, d]), b.shape(x)) : undefined,
      needs[1] ? denominator() : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Div", l.inputs)],
};
