import { float } from "../onnx/lowering.js";
import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/** y = relu6(x + 3) / 6; dx = g / 6 where |x| < 3, else 0. */
export const hardSigmoid: Op = {
  name: "hard-sigmoid",
  infer: (inputs) => elementwiseType(inputs, "x"),
  evaluate: (inputs, _, context) => [
    mapElements(inputs, context, (x) => Math.min(Math.max(x + 3, 0), 6) / 6),
  ],
  gradient({ b, inputs: [x], gradOutputs: [g], needs }) {
    if (!g || !needs[0]) return [];
    const inside = b.op("less", [b.op("abs", [x]), b.constant(3)]);
    const slope = b.op("where", [inside, b.constant(1 / 6), b.constant(0)]);
    return [b.op("mul", [g, slope])];
  },
  // add, max, min, div
  cost: (_, outputs) => elementwiseCost(outputs, 4),
  lower: (l) => [l.emit("HardSigmoid", l.inputs, { alpha: float(1 / 6), beta: float(0.5) })],
};
