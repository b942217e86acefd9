import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";

export type GlobalAveragePoolGradientAttributes = { readonly inputShape: Shape };

/** Every position gets g / (H * W). g: [N, C, 1, 1]. dx: inputShape [N, C, H, W]. */
export const globalAveragePoolGradient: Op<GlobalAveragePoolGradientAttributes> = {
  name: "global-average-pool-gradient",
  infer([g], { inputShape: [n, c, h, w] }) {
    if (g.shape.join() !== [n, c, 1, 1].join()) {
      throw new OnebitError(`gradient must be [${[n, c, 1, 1]}], is [${g.shape}]`);
    }
    return [{ shape: [n, c, h, w], dtype: "float32" }];
  },
  evaluate([g], { inputShape }, context) {
    const plane = inputShape[2] * inputShape[3];
    const data = context.array(sizeOf(inputShape));
    for (let map = 0; map < g.data.length; map++) {
      data.fill(g.data[map] / plane, map * plane, (map + 1) * plane);
    }
    return [{ shape: inputShape, data }];
  },
  gradient({ b, gradOutputs: [dx], needs }) {
    return dx && needs[0] ? [b.op("global-average-pool", [dx])] : [];
  },
  cost: (_, [dx]) => ({ macs: 0, elementwise: sizeOf(dx.shape) }),
  lower(l, { inputShape: [, , h, w] }) {
    // Broadcasting against a constant plane: scales and spreads in one pass, faster than Expand.
    return [l.emit("Mul", [l.inputs[0], l.constant(1 / (h * w), [1, 1, h, w])])];
  },
};
