import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { expectFloats } from "./checks.js";
import type { Op } from "./op.js";

export type ReshapeAttributes = {
  /** 0 copies the input's dimension at that place, one -1 takes what is left over. */
  readonly shape: Shape;
};

/** The same elements in row-major order under another shape. */
export const reshape: Op<ReshapeAttributes> = {
  name: "reshape",
  infer(inputs, attrs) {
    expectFloats(inputs, "x");
    return [{ shape: reshaped(inputs[0].shape, attrs.shape), dtype: "float32" }];
  },
  evaluate: ([x], attrs) => [{ shape: reshaped(x.shape, attrs.shape), data: x.data }],
  gradient: ({ b, inputs: [x], gradOutputs: [g], needs }) => [
    g && needs[0] ? b.op("reshape", [g], { shape: b.shape(x) }) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower: (l) => [l.reshape(l.inputs[0], l.outputTypes[0].shape)],
};

function reshaped(from: Shape, wanted: Shape): Shape {
  const copied = wanted.map((dim, axis) => {
    if (dim === 0 && axis >= from.length) {
      throw new OnebitError(
        `shape [${wanted}]: 0 at place ${axis} copies a dimension that [${from}] lacks`,
      );
    }
    return dim === 0 ? from[axis] : dim;
  });
  const known = sizeOf(copied.filter((dim) => dim !== -1));
  const open = copied.filter((dim) => dim === -1).length;
  const whole = copied.every((dim) => dim === -1 || (Number.isSafeInteger(dim) && dim > 0));
  const fits = open ? sizeOf(from) % known === 0 : sizeOf(from) === known;
  if (!whole || open > 1 || !fits) {
    throw new OnebitError(`[${from}] (${sizeOf(from)} elements) does not reshape to [${wanted}]`);
  }
  return copied.map((dim) => (dim === -1 ? sizeOf(from) / known : dim));
}
