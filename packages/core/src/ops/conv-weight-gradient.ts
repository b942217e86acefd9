import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { padExplicitly } from "./binary-conv.js";
import { expectFloats } from "./checks.js";
import { type ConvAttributes, convShape, forEachMac } from "./conv-geometry.js";
import type { Op } from "./op.js";
import { lowerWeightGradient } from "./weight-gradient-lowering.js";

export type ConvWeightGradientAttributes = ConvAttributes & {
  readonly weightShape: Shape;
  /** What the forward convolution read at padded positions (see binary-conv); 0 if absent. */
  readonly padValue?: 0 | 1 | -1;
};

/**
 * Gradient of a convolution with respect to its weight.
 *
 *   dw[o,i,ky,kx] = sum_{n,oy,ox} x[n,i,oy*s+ky-p,ox*s+kx-p] * g[n,o,oy,ox]
 *
 * x: [N, C, H, W]. g: [N, O, H', W']. dw: weightShape [O, C / groups, KH, KW].
 */
export const convWeightGradient: Op<ConvWeightGradientAttributes> = {
  name: "conv-weight-gradient",
  infer(inputs, attrs) {
    expectFloats(inputs, "x", "g");
    const [x, g] = inputs;
    const wanted = convShape(x.shape, attrs.weightShape, attrs);
    if (wanted.join() !== g.shape.join()) {
      throw new OnebitError(`gradient must be [${wanted}], is [${g.shape}]`);
    }
    return [{ shape: attrs.weightShape, dtype: "float32" }];
  },
  evaluate([given, g], attrs, context) {
    const { x, attrs: geometry } = padExplicitly(given, attrs, context);
    const sums = new Float64Array(sizeOf(attrs.weightShape));
    forEachMac(x.shape, attrs.weightShape, geometry, (xi, wi, yi) => {
      sums[wi] += x.data[xi] * g.data[yi];
    });
    const data = context.array(sums.length);
    data.set(sums);
    return [{ shape: attrs.weightShape, data }];
  },
  gradient({ b, inputs: [x, g], gradOutputs: [dw], needs }, { weightShape: _, ...attrs }) {
    if (!dw) return [];
    const { padValue = 0, ...geometry } = attrs;
    return [
      needs[0]
        ? b.op("conv-input-gradient", [g, dw], { ...geometry, inputShape: b.shape(x) })
        : undefined,
      needs[1] ? b.op("binary-conv", [x, dw], { ...geometry, padValue }) : undefined,
    ];
  },
  cost: ([, g], [w]) => ({
    macs: (sizeOf(g.shape) * sizeOf(w.shape)) / w.shape[0],
    elementwise: 0,
  }),
  lower: (l, attrs) => [lowerWeightGradient(l, attrs)],
};
