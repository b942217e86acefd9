import { OnebitError } from "../errors.js";
import { type Shape, sizeOf } from "../graph/types.js";
import type { Lowering } from "../onnx/lowering.js";
import { expectFloats } from "./checks.js";
import { type ConvAttributes, convShape, forEachMac } from "./conv-geometry.js";
import type { Op } from "./op.js";
import { lowerUnfoldPixels } from "./unfold-pixels.js";

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
  infer(inputs, attrs) {
    expectFloats(inputs, "g", "weight");
    const [g, w] = inputs;
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
  lower(l, attrs) {
    if (!isFlippable(l, attrs)) return [lowerTransposed(l, attrs)];
    return [isWide(l, attrs) ? lowerAsProduct(l, attrs) : lowerAsConv(l, attrs)];
  },
};

/**
 * With stride 1 the gradient is a convolution with the weight's channels swapped and its kernel
 * turned by 180 degrees. Measured on one AVX-512 core, 3x3, batch 64, GFLOP/s (ConvTranspose ->
 * Conv): 16 channels 28x28 29 -> 32, 128 channels 16x16 84 -> 95, 512 channels 4x4 50 -> 70. With
 * stride 2 ConvTranspose is fastest: 64 channels 68, convolutions by phase 45, zero insertion 16.
 */
function isFlippable(l: Lowering, { stride, padding }: ConvInputGradientAttributes): boolean {
  const [, , kh, kw] = l.shape(1);
  const unit = stride[0] === 1 && stride[1] === 1;
  return l.target !== "portable" && unit && padding[0] < kh && padding[1] < kw;
}

function lowerAsConv(l: Lowering, { padding, groups }: ConvInputGradientAttributes): string {
  const [g, w] = l.inputs;
  const [o, i, kh, kw] = l.shape(1);
  const grouped = l.transpose(l.reshape(w, [groups, o / groups, i, kh, kw]), [0, 2, 1, 3, 4]);
  const swapped = l.reshape(grouped, [groups * i, o / groups, kh, kw]);
  const [top, left] = [kh - 1 - padding[0], kw - 1 - padding[1]];
  return l.emit("Conv", [g, kh * kw === 1 ? swapped : lowerFlip(l, swapped)], {
    pads: [top, left, top, left],
    group: groups,
  });
}

/**
 * Whether the weight is larger than the gradient: turning it costs more than unfolding the gradient.
 * 512 channels 4x4, batch 64: 70 -> 86 GFLOP/s; 256 channels 8x8: 98 -> 80.
 */
function isWide(l: Lowering, { groups, inputShape }: ConvInputGradientAttributes): boolean {
  const [n, c, h, w] = inputShape;
  const [, , kh, kw] = l.shape(1);
  const spatial = kh * kw > 1;
  return l.target === "cpu" && groups === 1 && spatial && c * kh * kw > n * h * w;
}

/** dx[(n,y,x),c] = sum over (ky,kx,o) of g[n,o,y+p-ky,x+p-kx] * w[o,c,ky,kx]. */
function lowerAsProduct(l: Lowering, { padding, inputShape }: ConvInputGradientAttributes): string {
  const [g, w] = l.inputs;
  const [o, c, kh, kw] = l.shape(1);
  const [n, , height, width] = inputShape;
  const [, , gHeight, gWidth] = l.shape(0);
  const unfolded = lowerUnfoldPixels(l, g, {
    images: n,
    input: [o, gHeight, gWidth],
    output: [height, width],
    kernel: [kh, kw],
    stride: [1, 1],
    padding: [kh - 1 - padding[0], kw - 1 - padding[1]],
    turned: true,
  });
  const weight = l.transpose(l.reshape(w, [o, c, kh * kw]), [2, 0, 1]);
  const pixels = l.reshape(unfolded, [n * height * width, kh * kw * o]);
  const product = l.emit("MatMul", [pixels, l.reshape(weight, [kh * kw * o, c])]);
  return l.transpose(l.reshape(product, [n, height, width, c]), [0, 3, 1, 2]);
}

/** Reverses the last two axes. */
function lowerFlip(l: Lowering, w: string): string {
  const beyond = -(2 ** 31);
  const [starts, ends] = [l.ints([-1, -1]), l.ints([beyond, beyond])];
  return l.emit("Slice", [w, starts, ends, l.ints([2, 3]), l.ints([-1, -1])]);
}

function lowerTransposed(
  l: Lowering,
  { stride, padding, groups, inputShape }: ConvInputGradientAttributes,
): string {
  const [, , kh, kw] = l.shape(1);
  // What the last window left over: the input is that much larger than the windows reach.
  const rest = [0, 1].map((axis) => {
    const covered = (l.shape(0)[2 + axis] - 1) * stride[axis] + [kh, kw][axis];
    return inputShape[2 + axis] + 2 * padding[axis] - covered;
  });
  return l.emit("ConvTranspose", l.inputs, {
    strides: stride,
    pads: [...padding, ...padding],
    output_padding: rest,
    group: groups,
  });
}
