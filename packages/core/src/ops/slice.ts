import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";
import { axisOf, expectFloats } from "./checks.js";
import { gather } from "./gather.js";
import type { Op } from "./op.js";

export type SliceAttributes = {
  readonly axis: number;
  /** First place taken, negative counted from the end. */
  readonly start: number;
  /** First place not taken, negative counted from the end. */
  readonly end: number;
};

/** The places [start, end) along one axis; the gradient is padded back with zeros. */
export const slice: Op<SliceAttributes> = {
  name: "slice",
  infer(inputs, attrs) {
    expectFloats(inputs, "x");
    const { shape } = inputs[0];
    const { axis, start, end } = window(shape, attrs);
    return [{ shape: shape.with(axis, end - start), dtype: "float32" }];
  },
  evaluate([x], attrs, context) {
    const { axis, start, end } = window(x.shape, attrs);
    const shape = x.shape.with(axis, end - start);
    return [gather(x, shape, context, (at) => at.with(axis, at[axis] + start))];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    const shape = b.shape(x);
    const { axis, start, end } = window(shape, attrs);
    const none = shape.map(() => 0);
    const after = none.with(axis, shape[axis] - end);
    return [b.op("pad", [g], { before: none.with(axis, start), after, value: 0 })];
  },
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, attrs) {
    const { axis, start, end } = window(l.shape(0), attrs);
    return [l.emit("Slice", [l.inputs[0], l.ints([start]), l.ints([end]), l.ints([axis])])];
  },
};

function window(shape: Shape, attrs: SliceAttributes): SliceAttributes {
  const axis = axisOf(attrs.axis, shape.length);
  const place = (value: number) => (value < 0 ? value + shape[axis] : value);
  const start = place(attrs.start);
  const end = place(attrs.end);
  const whole = Number.isInteger(start) && Number.isInteger(end);
  if (!whole || start < 0 || end > shape[axis] || start >= end) {
    throw new OnebitError(
      `[${attrs.start}, ${attrs.end}) is no part of axis ${attrs.axis} of [${shape}]`,
    );
  }
  return { axis, start, end };
}
