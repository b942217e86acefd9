import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = sqrt(x); dx = g / 2y, infinite at x = 0. */
export const sqrt: Op = {
  name: "sqrt",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, Math.sqrt)],
  gradient: ({ b, outputs: [y], gradOutputs: [g], needs }) => [
    g && needs[0] ? b.op("div", [g, b.op("add", [y, y])]) : undefined,
  ],
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Sqrt", l.inputs)],
};
