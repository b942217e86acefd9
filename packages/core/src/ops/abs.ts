import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = |x|; dx = g where x > 0, -g where x < 0, 0 where x = 0. */
export const abs: Op = {
  name: "abs",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, Math.abs)],
  gradient({ b, inputs: [x], gradOutputs: [g], needs }) {
    if (!g || !needs[0]) return [];
    const zero = b.constant(0);
    const positive = b.op("where", [b.op("greater", [x, zero]), g, zero]);
    return [b.op("where", [b.op("less", [x, zero]), b.op("neg", [g]), positive])];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Abs", l.inputs)],
};
