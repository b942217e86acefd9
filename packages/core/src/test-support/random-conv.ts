import fc from "fast-check";
import type { ConvAttributes } from "../ops/conv-geometry.js";

export interface ConvCase {
  readonly x: readonly [number, number, number, number];
  readonly w: readonly [number, number, number, number];
  readonly attrs: ConvAttributes;
}

const small = fc.integer({ min: 1, max: 3 });
const pair = <T>(one: fc.Arbitrary<T>) => fc.tuple(one, one);

/** Small convolutions that fit: any kernel, stride, padding up to 2, groups, images below the kernel. */
export const convCase: fc.Arbitrary<ConvCase> = fc
  .record({
    images: small,
    groups: small,
    inGroup: small,
    outGroup: small,
    kernel: pair(small),
    stride: pair(small),
    padding: pair(fc.integer({ min: 0, max: 2 })),
    extra: pair(fc.integer({ min: 0, max: 5 })),
  })
  .map(({ images, groups, inGroup, outGroup, kernel, stride, padding, extra }) => {
    const size = (axis: 0 | 1) => Math.max(1, kernel[axis] - 2 * padding[axis]) + extra[axis];
    return {
      x: [images, groups * inGroup, size(0), size(1)],
      w: [groups * outGroup, inGroup, ...kernel],
      attrs: { stride, padding, groups },
    };
  });
