import type { Op } from "./op.js";
import {
  asKept,
  type ReduceAttributes,
  reduceCost,
  reducedAxes,
  reduceElements,
  reduceType,
} from "./reduce.js";

/**
 * y = largest x over `axes`. The gradient is shared in equal parts by all positions that hold the
 * maximum (as PyTorch's amax):
 *
 *   dx = g / k where x = y, else 0     (k positions are equal to the maximum)
 */
export const max: Op<ReduceAttributes> = {
  name: "max",
  infer: reduceType,
  evaluate: ([x], attrs, context) => [
    reduceElements(x, attrs, context, Number.NEGATIVE_INFINITY, (best, value) =>
      Math.max(best, value),
    ),
  ],
  gradient({ b, inputs: [x], outputs: [y], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    const shape = b.shape(x);
    const holds = b.op("equal", [x, asKept(b, y, shape, attrs)]);
    const mask = b.op("where", [holds, b.constant(1), b.constant(0)]);
    const k = b.op("sum", [mask], { ...attrs, keepDims: true });
    return [b.op("mul", [mask, b.op("div", [asKept(b, g, shape, attrs), k])])];
  },
  cost: reduceCost,
  lower(l, attrs) {
    const axes = reducedAxes(l.shape(0), attrs);
    return [l.emit("ReduceMax", [l.inputs[0]], { axes, keepdims: attrs.keepDims ? 1 : 0 })];
  },
};
