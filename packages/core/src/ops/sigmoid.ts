import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = 1 / (1 + e^-x); dx = g * (y - y^2). */
export const sigmoid: Op = {
  name: "sigmoid",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (x) => 1 / (1 + Math.exp(-x)))],
  gradient({ b, outputs: [y], gradOutputs: [g], needs }) {
    if (!g || !needs[0]) return [];
    return [b.op("mul", [g, b.op("sub", [y, b.op("mul", [y, y])])])];
  },
  // neg, exp, add, div
  cost: (_, outputs) => elementwiseCost(outputs, 4),
  lower: (l) => [l.emit("Sigmoid", l.inputs)],
};
