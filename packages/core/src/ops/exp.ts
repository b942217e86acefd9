import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = e^x; dx = g * y. */
export const exp: Op = {
  name: "exp",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, Math.exp)],
  gradient: ({ b, outputs: [y], gradOutputs: [g], needs }) => [
    g && needs[0] ? b.op("mul", [g, y]) : undefined,
  ],
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Exp", l.inputs)],
};
