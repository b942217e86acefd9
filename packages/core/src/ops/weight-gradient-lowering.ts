import type { Lowering } from "../onnx/lowering.js";
import type { ConvWeightGradientAttributes } from "./conv-weight-gradient.js";
import { lowerPad } from "./pad-map.js";

/** Unfolds x: [N, groups, I * KH * KW, P] columns times g transposed, summed over the batch. */
export function lowerWeightGradient(l: Lowering, attrs: ConvWeightGradientAttributes): string {
  const { stride, padding, groups, weightShape, padValue = 0 } = attrs;
  const [o, i, kh, kw] = weightShape;
  const [x, g] = l.inputs;
  const [n, , h, w] = l.shape(1);
  const [ph, pw] = padding;
  const padded = lowerPad(l, x, [ph, pw, ph, pw], padValue);
  const slices: string[] = [];
  for (let ky = 0; ky < kh; ky++)
    for (let kx = 0; kx < kw; kx++) {
      const ends = [ky + (h - 1) * stride[0] + 1, kx + (w - 1) * stride[1] + 1];
      const slice = l.emit("Slice", [
        padded,
        l.ints([ky, kx]),
        l.ints(ends),
        l.ints([2, 3]),
        l.ints(stride),
      ]);
      slices.push(l.reshape(slice, [n, groups, i, 1, h * w]));
    }
  const unfolded = slices.length === 1 ? slices[0] : l.emit("Concat", slices, { axis: 3 });
  const columns = l.reshape(unfolded, [n, groups, i * kh * kw, h * w]);
  const rows = l.transpose(l.reshape(g, [n, groups, o / groups, h * w]), [0, 1, 3, 2]);
  const products = l.emit("MatMul", [columns, rows]);
  const sum = l.emit("ReduceSum", [products, l.ints([0])], { keepdims: 0 });
  return l.reshape(l.transpose(sum, [0, 2, 1]), weightShape);
}
