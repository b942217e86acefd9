import type { Op } from "./op.js";
import {
  type ReduceAttributes,
  reduceCost,
  reducedAxes,
  reduceElements,
  reduceType,
  spread,
} from "./reduce.js";

/** y = sum of x over `axes`; dx = g, stretched back. */
export const sum: Op<ReduceAttributes> = {
  name: "sum",
  infer: reduceType,
  evaluate: ([x], attrs, context) => [
    reduceElements(x, attrs, context, 0, (total, value) => total + value),
  ],
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, attrs) {
    return g && needs[0] ? [spread(b, g, b.shape(x), attrs)] : [];
  },
  cost: reduceCost,
  lower(l, attrs) {
    const axes = reducedAxes(l.shape(0), attrs);
    return [l.emit("ReduceSum", [l.inputs[0], l.ints(axes)], { keepdims: attrs.keepDims ? 1 : 0 })];
  },
};
