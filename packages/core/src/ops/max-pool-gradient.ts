import { OnebitError } from "../errors.js";
import { sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import type { Op } from "./op.js";
import { lowerPad } from "./pad-map.js";
import { checkPoolGradient, forEachWindow, type PoolAttributes } from "./pool-geometry.js";

/**
 * Gradient of max-pool: each window's g goes to its first maximum, in row-major order.
 *
 * g, y (the pooled maxima): [N, C, H', W']. x, dx: [N, C, H, W].
 */
export const maxPoolGradient: Op<PoolAttributes> = {
  name: "max-pool-gradient",
  infer([g, x, y], attrs) {
    checkPoolGradient(g.shape, x.shape, attrs);
    if (y.shape.join() !== g.shape.join()) {
      throw new OnebitError(`maxima [${y.shape}] and gradient [${g.shape}] differ in shape`);
    }
    return [x];
  },
  evaluate([g, x, y], attrs, context) {
    const data = context.array(sizeOf(x.shape));
    const given = new Uint8Array(g.data.length);
    forEachWindow(x.shape, attrs, (xi, yi) => {
      if (given[yi] || x.data[xi] !== y.data[yi]) return;
      given[yi] = 1;
      data[xi] += g.data[yi];
    });
    return [{ shape: x.shape, data }];
  },
  cost: ([g], _, { kernel }) => ({
    macs: 0,
    elementwise: 2 * sizeOf(g.shape) * kernel[0] * kernel[1],
  }),
  lower: (l, attrs) => [lowerMaxPoolGradient(l, attrs)],
};

/** Lowest float32: a padded position equals no maximum. */
const LOWEST = -3.4028234663852886e38;

/**
 * For each kernel offset in order: where x there equals the maximum and g is not yet given, g is
 * put back at that offset. Standard ops only, and deterministic (ONNX's MaxPool indices and
 * ScatterElements are not available everywhere).
 */
function lowerMaxPoolGradient(l: Lowering, { kernel, stride, padding }: PoolAttributes): string {
  const [given, x, y] = l.inputs;
  const [, , height, width] = l.shape(1);
  const [n, c, h, w] = l.shape(0);
  const covered = [(h - 1) * stride[0] + kernel[0], (w - 1) * stride[1] + kernel[1]];
  const bottom = Math.max(0, covered[0] - height - padding[0]);
  const right = Math.max(0, covered[1] - width - padding[1]);
  const padded = lowerPad(l, x, [padding[0], padding[1], bottom, right], LOWEST);
  const zero = l.constant(0);
  let rest = given;
  const parts: string[] = [];
  for (let ky = 0; ky < kernel[0]; ky++)
    for (let kx = 0; kx < kernel[1]; kx++) {
      const ends = [ky + (h - 1) * stride[0] + 1, kx + (w - 1) * stride[1] + 1];
      const there = l.emit("Slice", [
        padded,
        l.ints([ky, kx]),
        l.ints(ends),
        l.ints([2, 3]),
        l.ints(stride),
      ]);
      const wins = l.emit("Equal", [there, y]);
      const part = l.emit("Where", [wins, rest, zero]);
      rest = l.emit("Where", [wins, zero, rest]);
      const [top, left] = [ky - padding[0], kx - padding[1]];
      parts.push(lowerPlace(l, part, [n, c, h, w], stride, [top, left], [height, width]));
    }
  return parts.reduce((total, part) => l.emit("Add", [total, part]));
}

/** Writes x[oy, ox] to (oy * stride + top, ox * stride + left) of a zero map. */
function lowerPlace(
  l: Lowering,
  x: string,
  [n, c, h, w]: readonly [number, number, number, number],
  [sh, sw]: readonly [number, number],
  [top, left]: readonly [number, number],
  [height, width]: readonly [number, number],
): string {
  const cells = l.reshape(x, [n * c, h, 1, w, 1]);
  const spread = l.emit("Pad", [cells, l.ints([0, 0, 0, 0, 0, 0, 0, sh - 1, 0, sw - 1])]);
  const map = l.reshape(spread, [n, c, h * sh, w * sw]);
  return lowerPad(l, map, [top, left, height - top - h * sh, width - left - w * sw]);
}
