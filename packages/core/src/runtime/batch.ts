import { OnebitError } from "../errors.js";

/**
 * For backends: OnebitError unless images are `count` times `size` numbers. They may no longer be when
 * a run begins that has waited for another: memory can be resized or transferred.
 */
export function checkBatch(images: Float32Array, count: number, size: number): void {
  if (Number.isSafeInteger(count) && count >= 0 && images.length === count * size) return;
  throw new OnebitError(
    `${count} x ${size} numbers wanted, ${images.length} given: the array must have ` +
      "the images, and keep its memory (neither resize nor transfer it) until the run is over",
  );
}
