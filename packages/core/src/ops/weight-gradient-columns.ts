import { lowerPad } from "./pad-map.js";
import type { WeightGradientForm } from "./weight-gradient-form.js";

/**
 * im2col: one strided slice of x per kernel position, times g transposed, image by image.
 *
 *   columns [n, groups, I * KH * KW, P] x rows [n, groups, P, O / groups], summed over n
 *
 * Standard ops, any stride and groups. P = H' * W', I = C / groups.
 */
export const columns: WeightGradientForm = {
  scratch({ kernel: [kh, kw], groups, input: [c], output: [o, h, w] }) {
    const unfolded = 2 * c * kh * kw * h * w;
    const product = (c * kh * kw * o) / groups;
    return 4 * (unfolded + product + o * h * w);
  },
  partial(l, x, g, n, { kernel, stride, padding, groups, input: [c], output: [o, h, w] }) {
    const [kh, kw] = kernel;
    const inGroup = c / groups;
    const padded = lowerPad(l, x, [...padding, ...padding]);
    const slices: string[] = [];
    for (let ky = 0; ky < kh; ky++)
      for (let kx = 0; kx < kw; kx++) {
        const ends = [ky + (h - 1) * stride[0] + 1, kx + (w - 1) * stride[1] + 1];
        const window = [l.ints([ky, kx]), l.ints(ends), l.ints([2, 3]), l.ints(stride)];
        const slice = l.emit("Slice", [padded, ...window]);
        slices.push(l.reshape(slice, [n, groups, inGroup, 1, h * w]));
      }
    const joined = slices.length === 1 ? slices[0] : l.emit("Concat", slices, { axis: 3 });
    const unfolded = l.reshape(joined, [n, groups, inGroup * kh * kw, h * w]);
    const rows = l.transpose(l.reshape(g, [n, groups, o / groups, h * w]), [0, 1, 3, 2]);
    const products = l.emit("MatMul", [unfolded, rows]);
    return l.emit("ReduceSum", [products, l.ints([0])], { keepdims: 0 });
  },
  finish(l, sum, { kernel, groups, input: [c], output: [o] }) {
    return l.reshape(l.transpose(sum, [0, 2, 1]), [o, c / groups, ...kernel]);
  },
};
