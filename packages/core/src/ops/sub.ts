import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = a - b, with NumPy broadcasting. */
export const sub: Op = {
  name: "sub",
  infer: (inputs) => elementwiseType(inputs, "a", "b"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (a, b) => a - b)],
  gradient({ b, inputs: [x, y], gradOutputs: [g], needs }) {
    if (!g) return [];
    return [
      needs[0] ? reduceTo(b, g, b.shape(x)) : undefined,
      needs[1] ? b.op("neg", [reduceTo(b, g, b.shape(y))]) : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Sub", l.inputs)],
};
