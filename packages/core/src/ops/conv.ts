import { sizeOf } from "../graph/types.js";
import { convShape, type DilatedConvAttributes, forEachMac } from "./conv-geometry.js";
import { convGradient } from "./conv-gradient.js";
import type { Op } from "./op.js";

/**
 * 2-D cross-correlation, as PyTorch's Conv2d without bias.
 *
 *   y[n,o,oy,ox] = sum_{i,ky,kx} x[n,i,oy*s+ky*d-p,ox*s+kx*d-p] * w[o,i,ky,kx]
 *
 * x: [N, C, H, W]. w: [O, C / groups, KH, KW]. y: [N, O, H', W']. Padding is zero.
 */
export const conv: Op<DilatedConvAttributes> = {
  name: "conv",
  infer: ([x, w], attrs) => [{ shape: convShape(x.shape, w.shape, attrs), dtype: "float32" }],
  evaluate([x, w], attrs, context) {
    const shape = convShape(x.shape, w.shape, attrs);
    const data = context.array(sizeOf(shape));
    const sums = new Float64Array(data.length);
    forEachMac(x.shape, w.shape, attrs, (xi, wi, yi) => {
      sums[yi] += x.data[xi] * w.data[wi];
    });
    data.set(sums);
    return [{ shape, data }];
  },
  gradient: convGradient,
  cost: ([, w], [y]) => ({
    macs: (sizeOf(y.shape) * sizeOf(w.shape)) / w.shape[0],
    elementwise: 0,
  }),
  lower: (l, attrs) => [l.emit("Conv", l.inputs, onnxConvAttributes(attrs))],
};

export function onnxConvAttributes({
  stride,
  padding,
  groups,
  dilation = [1, 1],
}: DilatedConvAttributes) {
  const attributes = { strides: stride, pads: [...padding, ...padding], group: groups };
  // What is not said is 1.
  return dilation.every((d) => d === 1) ? attributes : { ...attributes, dilations: dilation };
}
