import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

/**
 * Learnable mixture of two maps, BNext's Info-RCP.
 *
 *   m = a * p + (1 - a) * y
 *   dp = a * g,  dy = g - a * g,  da = sum over n, h, w of g * (p - y)
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
    const scaled = needs[0] || needs[1] ? b.op("mul", [g, a]) : undefined;
    const toMix = () => b.op("mul", [g, b.op("sub", [p, y])]);
    return [
      scaled && needs[0] ? reduceTo(b, scaled, b.shape(p)) : undefined,
      scaled && needs[1] ? reduceTo(b, b.op("sub", [g, scaled]), b.shape(y)) : undefined,
      needs[2] ? reduceTo(b, toMix(), b.shape(a)) : undefined,
    ];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 3),
  lower(l) {
    const [p, y, a] = l.inputs;
    return [l.emit("Add", [l.emit("Mul", [l.emit("Sub", [p, y]), a]), y])];
  },
};
