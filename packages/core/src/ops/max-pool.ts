import { sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";
import {
  forEachWindow,
  onnxPoolAttributes,
  type PoolAttributes,
  poolShape,
} from "./pool-geometry.js";

/**
 * Window maximum; padded positions never win.
 *
 * x: [N, C, H, W]. y: [N, C, H', W']. The gradient goes to the first maximum of each window.
 */
export const maxPool: Op<PoolAttributes> = {
  name: "max-pool",
  infer: ([x], attrs) => [{ shape: poolShape(x.shape, attrs), dtype: "float32" }],
  evaluate([x], attrs, context) {
    const shape = poolShape(x.shape, attrs);
    const data = context.array(sizeOf(shape)).fill(-Infinity);
    forEachWindow(x.shape, attrs, (xi, yi) => {
      data[yi] = Math.max(data[yi], x.data[xi]);
    });
    return [{ shape, data }];
  },
  gradient({ b, inputs: [x], outputs: [y], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    return [b.op("max-pool-gradient", [g, x, y], attrs)];
  },
  cost: (_, [y], { kernel }) => ({ macs: 0, elementwise: sizeOf(y.shape) * kernel[0] * kernel[1] }),
  lower: (l, attrs) => [l.emit("MaxPool", l.inputs, onnxPoolAttributes(attrs))],
};
