import type { Lowering } from "../onnx/lowering.js";

/** What a form needs to know; the padding is zero padding. */
export interface WeightGradientGeometry {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
  /** C, H, W of x and O, H', W' of g. */
  readonly input: readonly [number, number, number];
  readonly output: readonly [number, number, number];
}

/** One way to write the sum over the batch as matrix products. */
export interface WeightGradientForm {
  /** Bytes of scratch memory per image. */
  scratch(geometry: WeightGradientGeometry): number;
  /** Sum over `images` images, in a layout of the form's own. */
  partial(
    l: Lowering,
    x: string,
    g: string,
    images: number,
    geometry: WeightGradientGeometry,
  ): string;
  /** From that layout to [O, C / groups, KH, KW]. */
  finish(l: Lowering, sum: string, geometry: WeightGradientGeometry): string;
}

/**
 * Images to join in one matrix product: the fewest (a divisor of the chunk) that make the reduction
 * `wanted` long. Longer reductions mean fewer partial products to add up; joining costs a copy.
 */
export function imagesPerProduct(images: number, positions: number, wanted: number): number {
  for (let m = 1; m < images; m++) {
    if (images % m === 0 && m * positions >= wanted) return m;
  }
  return images;
}

/** Reduction length from which products are cheap to add up (measured; see the forms). */
export function wantedReduction([kh, kw]: readonly [number, number]): number {
  return kh * kw > 1 ? 512 : 128;
}
