import { sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { axisOf } from "./checks.js";
import type { Op } from "./op.js";
import { mapLanes, type SoftmaxAttributes } from "./softmax.js";

/** y = x - max - log(sum exp(x - max)) along `axis` (negative: from the end). Any shape. */
export const logSoftmax: Op<SoftmaxAttributes> = {
  name: "log-softmax",
  infer([x], { axis }) {
    axisOf(axis, x.shape.length);
    return [x];
  },
  evaluate: ([x], { axis }, context) => [
    mapLanes(x, axis, context, (lane) => {
      const max = Math.max(...lane);
      const sum = lane.reduce((total, value) => total + Math.exp(value - max), 0);
      return lane.map((value) => value - max - Math.log(sum));
    }),
  ],
  gradient({ b, outputs: [y], gradOutputs: [g], needs }, { axis }) {
    if (!g || !needs[0]) return [];
    const axes = [axisOf(axis, b.shape(y).length)];
    const total = b.op("sum", [g], { axes, keepDims: true });
    return [b.op("sub", [g, b.op("mul", [b.op("exp", [y]), total])])];
  },
  cost: ([x]) => ({ macs: 0, elementwise: 5 * sizeOf(x.shape) }),
  lower(l, { axis }) {
    const resolved = axisOf(axis, l.shape(0).length);
    if (l.target === "webgpu") return [lowerStepwise(l, resolved)];
    return [l.emit("LogSoftmax", l.inputs, { axis: resolved })];
  },
};

/** WebGPU has no LogSoftmax. */
function lowerStepwise(l: Lowering, axis: number): string {
  const [x] = l.inputs;
  const max = l.emit("ReduceMax", [x], { axes: [axis], keepdims: 1 });
  const shifted = l.emit("Sub", [x, max]);
  const sum = l.emit("ReduceSum", [l.emit("Exp", [shifted]), l.ints([axis])], { keepdims: 1 });
  return l.emit("Sub", [shifted, l.emit("Log", [sum])]);
}
