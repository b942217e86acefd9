import { OnebitError } from "../errors.js";
import type { Shape } from "../graph/types.js";
import { expectFloats } from "./checks.js";
import { gather } from "./gather.js";
import type { Op } from "./op.js";

export type DilateAttributes = {
  /** From one kernel position to the next, [h, w]. */
  readonly dilation: readonly [number, number];
};

/**
 * A kernel with zeros between its positions, what a dilated convolution looks through:
 *
 *   y[o, i, ky * d, kx * d] = x[o, i, ky, kx], else 0        x: [O, I, KH, KW]; y: [O, I, (KH - 1) d + 1, ...]
 */
export const dilate: Op<DilateAttributes> = {
  name: "dilate",
  infer(inputs, { dilation }) {
    expectFloats(inputs, "weight");
    return [{ shape: dilated(inputs[0].shape, dilation), dtype: "float32" }];
  },
  evaluate([x], { dilation: [dy, dx] }, context) {
    const from = ([o, i, y, x]: readonly number[]) =>
      y % dy || x % dx ? undefined : [o, i, y / dy, x / dx];
    return [gather(x, dilated(x.shape, [dy, dx]), context, from)];
  },
  gradient: ({ b, gradOutputs: [g], needs }, attrs) => [
    g && needs[0] ? b.op("undilate", [g], attrs) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, { dilation: [dy, dx] }) {
    const [o, i, kh, kw] = l.shape(0);
    const apart = l.reshape(l.inputs[0], [o * i, kh, 1, kw, 1]);
    const pads = [0, 0, 0, 0, 0, 0, 0, dy - 1, 0, dx - 1];
    const spread = l.emit("Pad", [apart, l.ints(pads), l.constant(0)]);
    const joined = l.reshape(spread, [o, i, kh * dy, kw * dx]);
    const ends = l.ints([(kh - 1) * dy + 1, (kw - 1) * dx + 1]);
    return [l.emit("Slice", [joined, l.ints([0, 0]), ends, l.ints([2, 3])])];
  },
};

/** The positions of a kernel that `dilate` has written: y[o, i, ky, kx] = x[o, i, ky * d, kx * d]. */
export const undilate: Op<DilateAttributes> = {
  name: "undilate",
  infer(inputs, { dilation }) {
    expectFloats(inputs, "weight");
    return [{ shape: undilated(inputs[0].shape, dilation), dtype: "float32" }];
  },
  evaluate([x], { dilation: [dy, dx] }, context) {
    const from = ([o, i, y, x]: readonly number[]) => [o, i, y * dy, x * dx];
    return [gather(x, undilated(x.shape, [dy, dx]), context, from)];
  },
  gradient: ({ b, gradOutputs: [g], needs }, attrs) => [
    g && needs[0] ? b.op("dilate", [g], attrs) : undefined,
  ],
  cost: () => ({ macs: 0, elementwise: 0 }),
  lower(l, { dilation }) {
    const [, , height, width] = l.shape(0);
    const [starts, ends] = [l.ints([0, 0]), l.ints([height, width])];
    return [l.emit("Slice", [l.inputs[0], starts, ends, l.ints([2, 3]), l.ints([...dilation])])];
  },
};

function dilated(shape: Shape, dilation: readonly [number, number]): Shape {
  checkKernel(shape, dilation);
  const [o, i, kh, kw] = shape;
  return [o, i, (kh - 1) * dilation[0] + 1, (kw - 1) * dilation[1] + 1];
}

function undilated(shape: Shape, dilation: readonly [number, number]): Shape {
  checkKernel(shape, dilation);
  const [o, i, height, width] = shape;
  if ((height - 1) % dilation[0] === 0 && (width - 1) % dilation[1] === 0) {
    return [o, i, (height - 1) / dilation[0] + 1, (width - 1) / dilation[1] + 1];
  }
  throw new OnebitError(`a kernel of ${height}x${width} is not dilated by ${dilation.join("x")}`);
}

function checkKernel(shape: Shape, dilation: readonly [number, number]): void {
  const whole = dilation.length === 2 && dilation.every((d) => Number.isSafeInteger(d) && d > 0);
  if (whole && shape.length === 4) return;
  throw new OnebitError(
    `dilation [${dilation}] must be two positive whole numbers, and the kernel [${shape}] be [O, I, KH, KW]`,
  );
}
