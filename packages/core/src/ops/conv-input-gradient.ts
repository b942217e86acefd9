import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import { type ConvAttributes, convShape, forEachMac } from "./conv-geometry.js";
import type { Op } from "./op.js";

export type ConvInputGradientAttributes = ConvAttributes & {
  /** Shape of the convolution's input: with a stride, several sizes give the same output. */
  readonly inputShape: Shape;
};

/**
 * Gradient of a convolution with respect to its input.
 *
 *   dx[n,i,y,x] = sum over (o,ky,kx,oy,ox) with oy*s+ky-p = y, ox*s+kx-p = x of g[n,o,oy,ox] * w[o,i,ky,kx]
 *
 * g: [N, O, H', W']. w: [O, C / groups, KH, KW]. dx: inputShape [N, C, H, W].
 */
export const convInputGradient: Op<ConvInputGradientAttributes> = {
  name: "conv-input-gradient",
  infer([g, w], attrs) {
    const wanted = convShape(attrs.inputShape, w.shape, attrs);
    if (wanted.join() !== g.shape.join()) {
      throw new OnebitError(`gradient must be [${wanted}], is [${g.shape}]`);
    }
    return [{ shape: attrs.inputShape, dtype: "float32" }];
  },
  evaluate([g, w], attrs, context) {
    const sums = new Float64Array(sizeOf(attrs.inputShape));
    forEachMac(attrs.inputShape, w.shape, attrs, (xi, wi, yi) => {
      sums[xi] += g.data[yi] * w.data[wi];
    });
    const data = context.array(sums.length);
    data.set(sums);
    return [{ shape: attrs.inputShape, data }];
  },
  gradient({ b, inputs: [g, w], gradOutputs: [dx], needs }, { inputShape: _, ...attrs }) {
    if (!dx) return [];
    return [
      needs[0] ? b.op("conv", [dx, w], attrs) : undefined,
      needs[1]
        ? b.op("conv-weight-gradient", [dx, g], { ...attrs, weightShape: b.shape(w) })
        : undefined,
    ];
  },
  cost: ([g, w]) => ({ macs: (sizeOf(g.shape) * sizeOf(w.shape)) / w.shape[0], elementwise: 0 }),
  lower(l, { stride, padding, groups, inputShape }) {
    const rest = [0, 1].map((axis) => {
      const [, , kh, kw] = l.shape(1);
      const covered = (l.shape(0)[2 + axis] - 1) * stride[axis] + [kh, kw][axis];
      return inputShape[2 + axis] + 2 * padding[axis] - covered;
    });
    return [
      l.emit("ConvTranspose", l.inputs, {
        strides: stride,
        pads: [...padding, ...padding],
        output_padding: rest,
        group: groups,
      }),
    ];
  },
};
