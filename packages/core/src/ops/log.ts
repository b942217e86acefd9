import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = ln x, x > 0; dx = g / x. */
export const log: Op = {
  name: "log",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, Math.log)],
  gradient: ({ b, inputs: [x], gradOutputs: [g], needs }) => [
    g && needs[0] ? b.op("div", [g, x]) : undefined,
  ],
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Log", l.inputs)],
};
