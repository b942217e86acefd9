import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = max(x, 0). Gradient: see relu-gradient. */
export const relu: Op = {
  name: "relu",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (x) => Math.max(x, 0))],
  gradient: ({ b, inputs: [x], gradOutputs: [g], needs }) => [
    g && needs[0] ? b.op("relu-gradient", [g, x]) : undefined,
  ],
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Relu", l.inputs)],
};
