/**
 * Bounds on what a file may ask for. No network comes near: BNext-L has 321 steps, 501 values, at most
 * 10 micro-ops per step; convolutions of 31 x 31 are the largest that were published (RepLKNet).
 */
export const MAX_STEPS = 8192;
export const MAX_VALUES = 16_384;
export const MAX_STEP_OPS = 512;
export const MAX_OPS = 65_536;
export const MAX_COVERS = 1024;
export const MAX_OUTPUTS = 1024;
/** Of values, tensors, outputs and covered nodes: UTF-16 units. */
export const MAX_NAME_LENGTH = 1024;

/** Of one value, and of all together. */
export const MAX_ELEMENTS = 2 ** 26;
export const MAX_TOTAL_ELEMENTS = 2 ** 33;

/** Side of a convolution's kernel, and its strides. Border corrections grow with the kernel's area. */
export const MAX_CONV_KERNEL = 256;
/** Pools may take a whole map. */
export const MAX_POOL_KERNEL = 4096;
/** Above this an accumulator would not be exact in float32. */
export const MAX_REDUCTION = 2 ** 24;

/** Padding that leaves many windows nothing but padding to see means nothing: graphs have a little. */
export function mostPadding(kernel: number): number {
  return Math.max(kernel, 8);
}
