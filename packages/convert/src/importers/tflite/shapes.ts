import { sizeOf } from "onebit/graph";
import type { Value } from "../described/values.js";
import type { Operation } from "./translation.js";

/** The file's shape of a value: [N, H, W, C] or [N, F]. */
function lastShape(o: Operation, x: Value): readonly number[] {
  const shape = o.net.shape(x);
  if (x.flat) return [shape[0], sizeOf(shape.slice(1))];
  return shape.length === 4 ? [shape[0], shape[2], shape[3], shape[1]] : shape;
}

/** Flattening, a vector as a map of one pixel, or nothing. */
export function reshape(o: Operation): Value {
  const x = o.value(0);
  const from = lastShape(o, x);
  const { shape } = o.output;
  const size = sizeOf(from.slice(1));
  if (shape.join() === from.join()) return x;
  if (shape.length === 2 && shape[1] === size) return o.net.flatten(x, "hwc", o.name);
  if (shape.length === 4 && shape[3] === size) return o.net.onePixel(x, o.name);
  throw o.error(`[${from}] becomes [${shape}]; only flattening can be had`);
}

export function concatenation(o: Operation): Value {
  const { options, inputs } = o.operator;
  const values = inputs.map((_, place) => o.value(place));
  const rank = lastShape(o, values[0]).length;
  const axis = options?.number(0, "i32") ?? 0;
  o.expect(
    (axis < 0 ? axis + rank : axis) === rank - 1,
    `its axis is ${axis}; only channels can be joined`,
  );
  o.expect((options?.number(1, "i8") ?? 0) === 0, "its fused activation cannot be had");
  return o.net.concat(values, o.name);
}

/** begin and size of every axis. */
export function slice(o: Operation): Value {
  const x = o.value(0);
  const shape = lastShape(o, x);
  const [begin, size] = [o.integers(1), o.integers(2)];
  const ranges = shape.map((dim, axis): Range => {
    const end = size[axis] === -1 ? dim : begin[axis] + size[axis];
    return [begin[axis], end];
  });
  return channelsOf(o, x, ranges);
}

type Range = readonly [start: number, end: number];

/** Masks: bit i says that begin or end of axis i is left out. */
export function stridedSlice(o: Operation): Value {
  const x = o.value(0);
  const shape = lastShape(o, x);
  const [begin, end, strides] = [o.integers(1), o.integers(2), o.integers(3)];
  const mask = (field: number) => o.operator.options?.number(field, "i32") ?? 0;
  o.expect(mask(2) + mask(3) + mask(4) === 0, "it adds or takes away axes");
  o.expect(!o.operator.options?.flag(5), "its ends count from its begins; from 0 can be had");
  o.expect(
    strides.every((stride) => stride === 1),
    `its strides are ${strides}; only 1 can be had`,
  );
  const ranges = shape.map((dim, axis): Range => {
    const place = (at: number) => Math.min(Math.max(at < 0 ? at + dim : at, 0), dim);
    const left = (field: number) => (mask(field) >> axis) & 1;
    return [left(0) ? 0 : place(begin[axis]), left(1) ? dim : place(end[axis])];
  });
  return channelsOf(o, x, ranges);
}

function channelsOf(o: Operation, x: Value, ranges: readonly Range[]): Value {
  const shape = lastShape(o, x);
  const last = shape.length - 1;
  const whole = ranges.every(
    ([start, end], axis) => axis === last || (start === 0 && end === shape[axis]),
  );
  const [start, end] = ranges[last];
  o.expect(
    whole && start >= 0 && start < end && end <= shape[last],
    `it takes [${ranges.map((range) => range.join(", ")).join("), [")}) of [${shape}]; only channels can be taken`,
  );
  return o.net.channels(x, start, end, o.name);
}

/** Equal parts along the channels; the first input is the axis. */
export function split(o: Operation): readonly Value[] {
  const [axis] = o.integers(0);
  const x = o.value(1);
  const shape = lastShape(o, x);
  const last = shape.length - 1;
  o.expect(
    (axis < 0 ? axis + shape.length : axis) === last,
    `its axis is ${axis}; only channels can be split`,
  );
  const count = o.operator.outputs.length;
  const size = shape[last] / count;
  o.expect(
    Number.isInteger(size),
    `${shape[last]} channels do not split into ${count} equal parts`,
  );
  return o.operator.outputs.map((_, i) =>
    o.net.channels(x, i * size, (i + 1) * size, i === 0 ? o.name : `${o.name}.${i}`),
  );
}
