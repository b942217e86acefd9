import { sizeOf, type Tensor } from "../graph/types.js";
import { axisOf } from "./checks.js";
import type { EvaluateContext, Op } from "./op.js";

export type SoftmaxAttributes = { readonly axis: number };

/** y = exp(x - max) / sum exp(x - max) along `axis` (negative: from the end). Any shape. */
export const softmax: Op<SoftmaxAttributes> = {
  name: "softmax",
  infer([x], { axis }) {
    axisOf(axis, x.shape.length);
    return [x];
  },
  evaluate: ([x], { axis }, context) => [
    mapLanes(x, axis, context, (lane) => {
      const max = Math.max(...lane);
      const exps = lane.map((value) => Math.exp(value - max));
      const sum = exps.reduce((total, value) => total + value, 0);
      return exps.map((value) => value / sum);
    }),
  ],
  gradient({ b, outputs: [y], gradOutputs: [g], needs }, { axis }) {
    if (!g || !needs[0]) return [];
    const axes = [axisOf(axis, b.shape(y).length)];
    const mean = b.op("sum", [b.op("mul", [g, y])], { axes, keepDims: true });
    return [b.op("mul", [y, b.op("sub", [g, mean])])];
  },
  cost: ([x]) => ({ macs: 0, elementwise: 5 * sizeOf(x.shape) }),
  lower: (l, { axis }) => [l.emit("Softmax", l.inputs, { axis: axisOf(axis, l.shape(0).length) })],
};

/** Replaces each one-dimensional lane along `axis` by f(lane). */
export function mapLanes(
  x: Tensor,
  axis: number,
  context: EvaluateContext,
  f: (lane: number[]) => number[],
): Tensor {
  const at = axisOf(axis, x.shape.length);
  const length = x.shape[at];
  const inner = sizeOf(x.shape.slice(at + 1));
  const data = context.array(x.data.length);
  for (let lane = 0; lane < data.length / length; lane++) {
    const from = Math.floor(lane / inner) * length * inner + (lane % inner);
    const values = Array.from({ length }, (_, i) => x.data[from + i * inner]);
    f(values).forEach((value, i) => {
      data[from + i * inner] = value;
    });
  }
  return { shape: x.shape, data };
}
