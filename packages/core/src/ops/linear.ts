import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Op } from "./op.js";

/**
 * y = x w^T + b.
 *
 * x: [N, F]. w: [O, F]. b: [O], optional. y: [N, O].
 */
export const linear: Op = {
  name: "linear",
  infer([x, w, bias]) {
    if (x.shape.length !== 2) throw new OnebitError(`input must be [N, F], is [${x.shape}]`);
    if (w.shape.length !== 2) throw new OnebitError(`weight must be [O, F], is [${w.shape}]`);
    const [o, f] = w.shape;
    if (x.shape[1] !== f)
      throw new OnebitError(`input has ${x.shape[1]} features, the weight wants ${f}`);
    if (bias && bias.shape.join() !== `${o}`) {
      throw new OnebitError(`bias must be [${o}], is [${bias.shape}]`);
    }
    return [{ shape: [x.shape[0], o], dtype: "float32" }];
  },
  evaluate([x, w, bias], _, context) {
    const [n, f] = x.shape;
    const [o] = w.shape;
    const data = context.array(n * o);
    for (let row = 0; row < n; row++)
      for (let out = 0; out < o; out++) {
        let sum = bias ? bias.data[out] : 0;
        for (let i = 0; i < f; i++) sum += x.data[row * f + i] * w.data[out * f + i];
        data[row * o + out] = sum;
      }
    return [{ shape: [n, o], data }];
  },
  gradient({ b, inputs: [x, w], gradOutputs: [g], needs }) {
    if (!g) return [];
    const dw = () => b.op("matmul", [b.op("transpose", [g], { perm: [1, 0] }), x]);
    return [
      needs[0] ? b.op("matmul", [g, w]) : undefined,
      needs[1] ? dw() : undefined,
      needs[2] ? b.op("sum", [g], { axes: [0], keepDims: false }) : undefined,
    ];
  },
  cost: ([x, w, bias], [y]) => ({
    macs: x.shape[0] * sizeOf(w.shape),
    elementwise: bias ? sizeOf(y.shape) : 0,
  }),
  lower: (l) => [l.emit("Gemm", l.inputs, { transB: 1 })],
};
