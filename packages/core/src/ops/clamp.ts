import { OnebitError } from "../errors.js";
import type { Mode } from "../graph/types.js";
import { elementwiseCost, mapElements } from "./broadcast.js";
import { elementwiseType } from "./checks.js";
import type { Op } from "./op.js";

export type ClampAttributes = {
  readonly low: number;
  readonly high: number;
  /** "training": the identity in inference mode. */
  readonly when: "always" | "training";
};

/**
 * y = min(max(x, low), high); dx = g where low <= x <= high (both ends included, as PyTorch's
 * clamp), else 0.
 */
export const clamp: Op<ClampAttributes> = {
  name: "clamp",
  infer(inputs, { low, high, when }) {
    if (!(low <= high)) throw new OnebitError(`low ${low} must be at most high ${high}`);
    if (when !== "always" && when !== "training") {
      throw new OnebitError(`when "${when}" must be "always" or "training"`);
    }
    return elementwiseType(inputs, "x");
  },
  evaluate([x], { low, high, when }, context) {
    if (!applies(when, context.mode)) return [x];
    return [mapElements([x], context, (value) => Math.min(Math.max(value, low), high))];
  },
  gradient({ b, mode, inputs: [x], outputs: [y], gradOutputs: [g], needs }, { when }) {
    if (!g || !needs[0]) return [];
    if (!applies(when, mode)) return [g];
    // x = y exactly where the window holds x
    return [b.op("where", [b.op("equal", [x, y]), g, b.constant(0)])];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 2),
  lower(l, { low, high, when }) {
    if (!applies(when, l.mode)) return [l.inputs[0]];
    return [l.emit("Clip", [l.inputs[0], l.constant(low), l.constant(high)])];
  },
};

function applies(when: ClampAttributes["when"], mode: Mode): boolean {
  return when === "always" || mode === "training";
}
