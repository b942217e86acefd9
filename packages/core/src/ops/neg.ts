import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = -x. */
export const neg: Op = {
  name: "neg",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (x) => -x)],
  gradient: ({ b, gradOutputs: [g], needs }) => [g && needs[0] ? b.op("neg", [g]) : undefined],
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Neg", l.inputs)],
};
