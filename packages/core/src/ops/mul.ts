import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = a * b, with NumPy broadcasting. */
export const mul: Op = {
  name: "mul",
  infer: (inputs) => elementwiseType(inputs, "a", "b"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (a, b) => a * b)],
  gradient({ b, inputs: [x, y], gradOutputs: [g], needs }) {
    if (!g) return [];
    return [
      needs[0] ? reduceTo(b, b.op("mul", [g, y]), b.shape(x)) : undefined,
      needs[1] ? reduceTo(b, b.op("mul", [g, x]), b.shape(y)) : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Mul", l.inputs)],
};
