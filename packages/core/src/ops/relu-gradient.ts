import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";
import { lowerStep } from "./step.js";

/** dx = g where x > 0, else 0. g, x, dx: any one shape. */
export const reluGradient: Op = {
  name: "relu-gradient",
  infer: (inputs) => elementwiseType(inputs, "g", "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (g, x) => (x > 0 ? g : 0))],
  cost: (_, outputs) => elementwiseCost(outputs, 2),
  lower(l) {
    const [g, x] = l.inputs;
    if (l.target === "cpu") return [l.emit("Mul", [g, lowerStep(l, x, 1, 0)])];
    const zero = l.constant(0);
    return [l.emit("Where", [l.emit("Greater", [x, zero]), g, zero])];
  },
};
