import { type Shape, sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";
import {
  keptShape,
  type ReduceAttributes,
  reduceCost,
  reducedAxes,
  reduceElements,
  reduceType,
  spread,
} from "./reduce.js";

/** y = mean of x over `axes` (n elements each); dx = g / n, stretched back. */
export const mean: Op<ReduceAttributes> = {
  name: "mean",
  infer: reduceType,
  evaluate([x], attrs, context) {
    const n = elementsPerMean(x.shape, attrs);
    return [reduceElements(x, attrs, context, 0, (total, value) => total + value / n)];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    const n = elementsPerMean(b.shape(x), attrs);
    // scaled before it is stretched: one small pass instead of a full one
    return [spread(b, b.op("mul", [g, b.constant(1 / n)]), b.shape(x), attrs)];
  },
  cost: reduceCost,
  lower(l, attrs) {
    const axes = reducedAxes(l.shape(0), attrs);
    return [l.emit("ReduceMean", [l.inputs[0]], { axes, keepdims: attrs.keepDims ? 1 : 0 })];
  },
};

function elementsPerMean(shape: Shape, attrs: ReduceAttributes): number {
  return sizeOf(shape) / sizeOf(keptShape(shape, attrs));
}
