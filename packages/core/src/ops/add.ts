import { broadcastShapes, elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import type { Op } from "./op.js";

/** y = a + b, with NumPy broadcasting. */
export const add: Op = {
  name: "add",
  infer: (inputs) => [{ shape: broadcastShapes(inputs.map((x) => x.shape)), dtype: "float32" }],
  evaluate: (inputs, _, context) => [mapElements(inputs, context, (a, b) => a + b)],
  gradient: ({ b, inputs, gradOutputs: [g], needs }) =>
    inputs.map((input, i) => (g && needs[i] ? reduceTo(b, g, b.shape(input)) : undefined)),
  cost: (_, outputs) => elementwiseCost(outputs),
  lower: (l) => [l.emit("Add", l.inputs)],
};
