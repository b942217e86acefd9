import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = max(x, 0); dx = g where x > 0, else 0. */
export const relu: Op = {
  name: "relu",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (x) => Math.max(x, 0))],
  gradient({ b, inputs: [x], gradOutputs: [g], needs }) {
    if (!g || !needs[0]) return [];
    const zero = b.constant(0);
    return [b.op("where", [b.op("greater", [x, zero]), g, zero])];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Relu", l.inputs)],
};
