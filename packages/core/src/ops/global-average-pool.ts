import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";

/** Mean of each map. x: [N, C, H, W]. y: [N, C, 1, 1]. */
export const globalAveragePool: Op = {
  name: "global-average-pool",
  infer([x]) {
    if (x.shape.length !== 4) throw new OnebitError(`input must be [N, C, H, W], is [${x.shape}]`);
    return [{ shape: [x.shape[0], x.shape[1], 1, 1], dtype: "float32" }];
  },
  evaluate([x], _, context) {
    const [n, c, h, w] = x.shape;
    const data = context.array(n * c);
    for (let map = 0; map < data.length; map++) {
      let sum = 0;
      for (let i = map * h * w; i < (map + 1) * h * w; i++) sum += x.data[i];
      data[map] = sum / (h * w);
    }
    return [{ shape: [n, c, 1, 1], data }];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }) {
    if (!g || !needs[0]) return [];
    return [b.op("global-average-pool-gradient", [g], { inputShape: b.shape(x) })];
  },
  cost: ([x]) => ({ macs: 0, elementwise: sizeOf(x.shape) }),
  lower: (l) => [l.emit("GlobalAveragePool", l.inputs)],
};
