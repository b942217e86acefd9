import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/**
 * Learnable mixture of two maps, BNext's Info-RCP.
 *
 *   m = a * p + (1 - a) * y
 *   dp = a * g,  dy = (1 - a) * g,  da = sum over n, h, w of g * (p - y)
 *
 * p, y, m: [N, C, H, W]. a: [1, C, 1, 1].
 * Source: BNext (arXiv 2211.12933).
 */
export const mix: Op = {
  name: "mix",
  infer: (inputs) => elementwiseType(inputs, "p", "y", "a"),
  evaluate: (inputs, _, context) => [
    mapElements(inputs, context, (p, y, a) => a * p + (1 - a) * y),
  ],
  gradient({ b, inputs: [p, y, a], gradOutputs: [g], needs }) {
    if (!g) return [];
    const toP = () => b.op("mul", [g, a]);
    const toY = () => b.op("mul", [g, b.op("sub", [b.constant(1), a])]);
    const toA = () => b.op("mul", [g, b.op("sub", [p, y])]);
    return [
      needs[0] ? reduceTo(b, toP(), b.shape(p)) : undefined,
      needs[1] ? reduceTo(b, toY(), b.shape(y)) : undefined,
      needs[2] ? reduceTo(b, toA(), b.shape(a)) : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 3),
  lower(l) {
    const [p, y, a] = l.inputs;
    // y + a * (p - y): three passes
    return [l.emit("Add", [l.emit("Mul", [l.emit("Sub", [p, y]), a]), y])];
  },
};
