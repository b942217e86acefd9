import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { elementwiseCost, mapElements, reduceTo } from "./broadcast.js";
import { channelShape, expectFloats } from "./checks.js";
import type { Op } from "./op.js";

/**
 * y = x + b, one value per channel.
 *
 *   dx = g,  db = sum of g over all dimensions but the channel
 *
 * x, y: [N, C, ...]. b: [C] or [1, C, 1, ...].
 */
export const bias: Op = {
  name: "bias",
  infer(inputs) {
    expectFloats(inputs, "x", "b");
    const [x, b] = inputs.map((input) => input.shape);
    if (x.length < 2) throw new OnebitError(`input must be [N, C, ...], is [${x}]`);
    const stretched = channelShape(x[1], x.length).join();
    if (b.join() !== `${x[1]}` && b.join() !== stretched) {
      throw new OnebitError(`bias must be [${x[1]}] or [${stretched}], is [${b}]`);
    }
    return [{ shape: x, dtype: "float32" }];
  },
  evaluate([x, b], _, context) {
    const shape = channelShape(x.shape[1], x.shape.length);
    return [mapElements([x, { shape, data: b.data }], context, (value, offset) => value + offset)];
  },
  gradient({ b, inputs: [x, offset], gradOutputs: [g], needs }) {
    if (!g) return [];
    const perChannel = channelShape(b.shape(x)[1], b.shape(x).length);
    const summed = () => asShape(b, reduceTo(b, g, perChannel), b.shape(offset));
    return [needs[0] ? g : undefined, needs[1] ? summed() : undefined];
  },
  cost: (_, outputs) => elementwiseCost(outputs),
  lower(l) {
    const rank = l.shape(0).length;
    const shape = channelShape(sizeOf(l.shape(1)), rank);
    const b = l.shape(1).length === rank ? l.inputs[1] : l.reshape(l.inputs[1], shape);
    return [l.emit("Add", [l.inputs[0], b])];
  },
};

function asShape(b: GraphBuilder, value: string, shape: Shape): string {
  return b.shape(value).join() === shape.join() ? value : b.op("reshape", [value], { shape });
}
