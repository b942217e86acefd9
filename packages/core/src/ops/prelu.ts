import { OnebitError } from "../errors.js";
import type { ValueType } from "../graph/types.js";
import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { channelShape, expectFloats } from "./checks.js";
import type { Op } from "./op.js";

/**
 * y = x where x > 0, slope * x elsewhere, one slope per channel.
 *
 *   dx = g where x > 0, slope * g elsewhere;  dslope = sum over n, h, w of g * min(x, 0)
 *
 * x, y: [N, C, ...]. slope: [C].
 */
export const prelu: Op = {
  name: "prelu",
  infer: preluType,
  evaluate([x, slope], _, context) {
    const shape = channelShape(x.shape[1], x.shape.length);
    const perChannel = { shape, data: slope.data };
    return [mapElements([x, perChannel], context, (value, s) => (value > 0 ? value : s * value))];
  },
  gradient({ b, inputs: [x, slope], gradOutputs: [g], needs }) {
    if (!g) return [];
    const channel = channelShape(b.shape(x)[1], b.shape(x).length);
    const zero = b.constant(0);
    const toInput = () => {
      const scaled = b.op("mul", [g, b.op("reshape", [slope], { shape: channel })]);
      return b.op("where", [b.op("greater", [x, zero]), g, scaled]);
    };
    const toSlope = () => {
      const total = reduceTo(b, b.op("mul", [g, b.op("minimum", [x, zero])]), channel);
      return b.op("reshape", [total], { shape: b.shape(slope) });
    };
    return [needs[0] ? toInput() : undefined, needs[1] ? toSlope() : undefined];
  },
  cost: (_, outputs) => elementwiseCost(outputs, 2),
  lower(l) {
    const [x, slope] = l.inputs;
    const channels = channelShape(l.shape(0)[1], l.shape(0).length);
    const zero = l.constant(0);
    const negative = l.emit("Mul", [l.emit("Min", [x, zero]), l.reshape(slope, channels)]);
    return [l.emit("Add", [l.emit("Max", [x, zero]), negative])];
  },
};

function preluType(inputs: readonly ValueType[]): ValueType[] {
  expectFloats(inputs, "x", "slope");
  const [x, slope] = inputs.map((input) => input.shape);
  if (x.length < 2) throw new OnebitError(`input must be [N, C, ...], is [${x}]`);
  if (slope.join() !== `${x[1]}`) {
    throw new OnebitError(`slope must be [${x[1]}], one per channel of [${x}], is [${slope}]`);
  }
  return [{ shape: x, dtype: "float32" }];
}
