import { sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";
import {
  forEachWindow,
  onnxPoolAttributes,
  type PoolAttributes,
  poolShape,
} from "./pool-geometry.js";

/**
 * Window mean. Padded positions count as zeros: the divisor is always kh * kw, as PyTorch's default.
 *
 * x: [N, C, H, W]. y: [N, C, H', W'].
 */
export const averagePool: Op<PoolAttributes> = {
  name: "average-pool",
  infer: ([x], attrs) => [{ shape: poolShape(x.shape, attrs), dtype: "float32" }],
  evaluate([x], attrs, context) {
    const shape = poolShape(x.shape, attrs);
    const data = context.array(sizeOf(shape));
    const area = attrs.kernel[0] * attrs.kernel[1];
    const sums = new Float64Array(data.length);
    forEachWindow(x.shape, attrs, (xi, yi) => {
      sums[yi] += x.data[xi];
    });
    data.set(sums.map((sum) => sum / area));
    return [{ shape, data }];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    return [b.op("average-pool-gradient", [g], { ...attrs, inputShape: b.shape(x) })];
  },
  cost: (_, [y], { kernel }) => ({ macs: 0, elementwise: sizeOf(y.shape) * kernel[0] * kernel[1] }),
  lower: (l, attrs) => [
    l.emit("AveragePool", l.inputs, { ...onnxPoolAttributes(attrs), count_include_pad: 1 }),
  ],
};
