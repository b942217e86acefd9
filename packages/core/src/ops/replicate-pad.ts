import { OnebitError } from "../errors.js";
import type { GraphBuilder } from "../graph/builder.js";
import type { Shape } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { expectFloats } from "./checks.js";
import { gather } from "./gather.js";
import type { Op } from "./op.js";

export type ReplicatePadAttributes = {
  /** Rows and columns added before the map, and behind it unless paddingEnd says otherwise. */
  readonly padding: readonly [number, number];
  readonly paddingEnd?: readonly [number, number];
};

/**
 * Surrounds a map with its own border: what lies outside has the value of the nearest position inside, as
 * PyTorch's ReplicationPad2d.
 *
 *   y[n, c, i, j] = x[n, c, clamp(i - p, 0, H - 1), clamp(j - p, 0, W - 1)]
 *
 * x: [N, C, H, W]; y: [N, C, H + p + e, W + p + e], e: paddingEnd. The gradient adds up what was copied.
 */
export const replicatePad: Op<ReplicatePadAttributes> = {
  name: "replicate-pad",
  infer(inputs, attrs) {
    expectFloats(inputs, "x");
    return [{ shape: padded(inputs[0].shape, attrs), dtype: "float32" }];
  },
  evaluate([x], attrs, context) {
    const { padding } = attrs;
    const inside = (place: number, axis: 0 | 1) =>
      Math.max(0, Math.min(place - padding[axis], x.shape[2 + axis] - 1));
    const from = ([n, c, i, j]: readonly number[]) => [n, c, inside(i, 0), inside(j, 1)];
    return [gather(x, padded(x.shape, attrs), context, from)];
  },
  gradient({ b, inputs: [x], gradOutputs: [g], needs }, attrs) {
    if (!g || !needs[0]) return [];
    const [rows, columns] = axesOf(b.shape(x), attrs);
    return [folded(b, folded(b, g, rows), columns)];
  },
  cost: () => ({ macs: 0, elementwise: 0 }),
  // By slices: not every provider replicates.
  lower(l, attrs) {
    const [rows, columns] = axesOf(l.shape(0), attrs);
    return [extended(l, extended(l, l.inputs[0], rows), columns)];
  },
};

interface Axis {
  readonly axis: number;
  readonly before: number;
  readonly after: number;
  /** Without the padding. */
  readonly size: number;
}

function axesOf(
  shape: Shape,
  { padding, paddingEnd = padding }: ReplicatePadAttributes,
): readonly [Axis, Axis] {
  const along = (i: 0 | 1): Axis => {
    return { axis: 2 + i, before: padding[i], after: paddingEnd[i], size: shape[2 + i] };
  };
  return [along(0), along(1)];
}

/** The gradients of copies added to those of the first and the last place along an axis. */
function folded(b: GraphBuilder, g: string, { axis, before, after, size }: Axis): string {
  if (before + after === 0) return g;
  const part = (start: number, end: number) => b.op("slice", [g], { axis, start, end });
  const sum = (value: string) => b.op("sum", [value], { axes: [axis], keepDims: true });
  const last = before + size;
  if (size === 1) return sum(g);
  const first = sum(part(0, before + 1));
  const end = sum(part(last - 1, last + after));
  const middle = size > 2 ? [part(before + 1, last - 1)] : [];
  return b.op("concat", [first, ...middle, end], { axis });
}

function extended(l: Lowering, x: string, { axis, before, after, size }: Axis): string {
  if (before + after === 0) return x;
  const place = (at: number) =>
    l.emit("Slice", [x, l.ints([at]), l.ints([at + 1]), l.ints([axis])]);
  const [first, last] = [place(0), place(size - 1)];
  const copies = (value: string, count: number) => Array.from({ length: count }, () => value);
  return l.emit("Concat", [...copies(first, before), x, ...copies(last, after)], { axis });
}

function padded(shape: Shape, { padding, paddingEnd = padding }: ReplicatePadAttributes): Shape {
  const whole = (pads: readonly number[]) =>
    pads.length === 2 && pads.every((p) => Number.isSafeInteger(p) && p >= 0);
  if (!whole(padding) || !whole(paddingEnd) || shape.length !== 4) {
    const pads = `padding [${padding}] and [${paddingEnd}]`;
    throw new OnebitError(
      `${pads} must be two whole numbers of 0 or more, and x [${shape}] be [N, C, H, W]`,
    );
  }
  const [n, c, height, width] = shape;
  const [rows, columns] = [0, 1].map((axis) => padding[axis] + paddingEnd[axis]);
  return [n, c, height + rows, width + columns];
}
