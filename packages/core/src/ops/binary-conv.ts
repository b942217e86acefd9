import type { Tensor } from "../graph/types.js";
import { expectFloats, expectOneOf } from "./checks.js";
import { conv, onnxConvAttributes } from "./conv.js";
import { convShape, type DilatedConvAttributes } from "./conv-geometry.js";
import { convGradient } from "./conv-gradient.js";
import type { EvaluateContext, Op } from "./op.js";
import { lowerPad, padMap } from "./pad-map.js";

/** padValue: what a padded position holds. 0 adds nothing; +1 and -1 are signs like any other. */
export type BinaryConvAttributes = DilatedConvAttributes & { readonly padValue: 0 | 1 | -1 };

/**
 * Convolution of signs with binarised weights; numerically an ordinary one.
 *
 *   y[n,o,oy,ox] = sum_{i,ky,kx} x[n,i,oy*s+ky*d-p,ox*s+kx*d-p] * w[o,i,ky,kx]
 *
 * x: [N, C, H, W], -1 or +1. w: [O, C / groups, KH, KW], already binarised (see binarize-weight).
 * y: [N, O, H', W']. The padding comes after the sign, so with padValue 0 border windows are ternary.
 */
export const binaryConv: Op<BinaryConvAttributes> = {
  name: "binary-conv",
  infer(inputs, attrs) {
    expectFloats(inputs, "x", "weight");
    expectOneOf("padValue", attrs.padValue, [0, 1, -1]);
    const [x, w] = inputs;
    return [{ shape: convShape(x.shape, w.shape, attrs), dtype: "float32" }];
  },
  evaluate([x, w], attrs, context) {
    const padded = padExplicitly(x, attrs, context);
    return conv.evaluate([padded.x, w], padded.attrs, context);
  },
  gradient: convGradient,
  cost: (inputs, outputs, attrs) => conv.cost(inputs, outputs, attrs),
  lower(l, { padValue, ...attrs }) {
    const [x, w] = l.inputs;
    if (!padValue) return [l.emit("Conv", [x, w], onnxConvAttributes(attrs))];
    const [h, v] = attrs.padding;
    const padded = lowerPad(l, x, [h, v, h, v], padValue);
    return [l.emit("Conv", [padded, w], onnxConvAttributes({ ...attrs, padding: [0, 0] }))];
  },
};

/** The same convolution with the padding written into x, where it is not zero. */
export function padExplicitly<A extends DilatedConvAttributes & { readonly padValue?: 0 | 1 | -1 }>(
  x: Tensor,
  attrs: A,
  context: EvaluateContext,
): { x: Tensor; attrs: A } {
  if (!attrs.padValue) return { x, attrs };
  return {
    x: padMap(x, attrs.padding, attrs.padValue, context),
    attrs: { ...attrs, padding: [0, 0] },
  };
}
