import { type MapShape, reductionLength } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { LOOKUP_TILE, POPCOUNT_TILE, SCALAR_TILE } from "./agreed.js";

/** Kernels of binary convolutions; all give the same integers. See kernels/<name>-conv.ts. */
export const BINARY_CONV_KERNELS = ["scalar", "popcount", "lookup", "depthwise"] as const;

export type BinaryConvKernel = (typeof BINARY_CONV_KERNELS)[number];

/** The kernel that was measured fastest, by classKey. */
export type MeasuredKernels = ReadonlyMap<string, BinaryConvKernel>;

/** Of a shape class: all that the fastest kernel depends on. input: [H, W, C]. */
export function classKey(step: BinaryConvStep, input: MapShape): string {
  const { out, kernel, stride, groups, dilation = [] } = step;
  return [input, out, kernel, stride, groups, ...dilation].join();
}

/** Sums of lookups are 16 bits wide, with a sign. */
const MAX_LOOKUP_PRODUCTS = 32_767;

/** Kernel positions that its planes of bits can count. */
const MAX_DEPTHWISE_TAPS = 31;

/** Those that can compute it. */
export function kernelsFor(step: BinaryConvStep, input: MapShape): readonly BinaryConvKernel[] {
  const { groups, out, kernel } = step;
  const isDepthwise = groups > 1 && groups === input[2] && groups === out;
  const long = reductionLength(step, input[2]) > MAX_LOOKUP_PRODUCTS;
  return BINARY_CONV_KERNELS.filter((name) => {
    if (name === "depthwise") return isDepthwise && kernel[0] * kernel[1] <= MAX_DEPTHWISE_TAPS;
    return name !== "lookup" || !long;
  });
}

/**
 * Outputs side by side, and how much more of a tile is done in a given time: 3x3 with 64 to 512
 * channels on x86 (kernels/measure.mjs).
 */
const TILES: {
  readonly [K in BinaryConvKernel]: { readonly outputs: number; readonly rate: number };
} = {
  scalar: { outputs: SCALAR_TILE, rate: 1 },
  popcount: { outputs: POPCOUNT_TILE, rate: 1 },
  lookup: { outputs: LOOKUP_TILE, rate: 1.5 },
  // 32 groups at a time, where the others begin a tile for each.
  depthwise: { outputs: 1, rate: 32 },
};

/** The kernel to begin with: the one that fills its tiles best, as fast as they are. */
export function estimatedKernel(step: BinaryConvStep, input: MapShape): BinaryConvKernel {
  const outputs = step.out / step.groups;
  const time = (kernel: BinaryConvKernel) => {
    const tile = TILES[kernel];
    return (Math.ceil(outputs / tile.outputs) * tile.outputs) / tile.rate;
  };
  // Not toReversed: browsers have had SIMD for longer.
  return kernelsFor(step, input).reduceRight((best, kernel) =>
    time(kernel) < time(best) ? kernel : best,
  );
}

export interface KernelWishes {
  /** Of all convolutions that it can compute. */
  readonly kernel?: BinaryConvKernel;
  readonly measured?: MeasuredKernels;
}

/** The kernel wanted, else the one measured fastest, else the one estimated. */
export function chooseKernel(
  step: BinaryConvStep,
  input: MapShape,
  { kernel, measured }: KernelWishes,
): BinaryConvKernel {
  if (kernel) return kernelsFor(step, input).includes(kernel) ? kernel : "popcount";
  return measured?.get(classKey(step, input)) ?? estimatedKernel(step, input);
}
