import { sizeOf } from "../graph/types.js";
import { quantiseGroup } from "../program/quantiser.js";
import { elementwiseCost } from "./broadcast.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";
import {
  checkQuantise,
  groupSize,
  lowerQuantiser,
  type QuantiseAttributes,
} from "./quantise-rules.js";

/**
 * Activations on a grid of 2^bits levels between the smallest and the largest of their group:
 *
 *   y = round((x - low) / range * (2^bits - 1)) / (2^bits - 1) * range + low
 *
 * with x clipped to [-clip, clip], low = min, range = max - min + 1e-8, round half to even; always
 * in float32, as levels next to a tie depend on it. dx = g where -clip < x < clip, else 0
 * (straight through; low and range are constants).
 *
 * x, y: [N, ...]; leading 1: a group per image (pooled vectors), 2: a group per [N, C] plane (maps).
 * Source: hpi-xnor/BNext, utils_quant.py.
 */
export const quantise: Op<QuantiseAttributes> = {
  name: "quantise",
  infer(inputs, attrs) {
    expectFloats(inputs, "x");
    checkQuantise(inputs[0].shape, attrs);
    return [inputs[0]];
  },
  evaluate([{ shape, data: x }], attrs, context) {
    const data = context.array(sizeOf(shape));
    const count = groupSize(shape, attrs.leading);
    for (let start = 0; start < x.length; start += count) {
      quantiseGroup(x, { start, stride: 1, count }, attrs, data);
    }
    return [{ shape, data }];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, { clip }) {
    if (!g || !needs[0]) return [];
    const inside = b.op("less", [b.op("abs", [x]), b.constant(clip)]);
    return [b.op("where", [inside, g, b.constant(0)])];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 10),
  lower: (l, attrs) => [lowerQuantiser(l, l.inputs[0], l.shape(0), attrs)],
};
