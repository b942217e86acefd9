import type { Executable } from "../runtime/backend.js";

export type Outputs = { readonly [name: string]: Float32Array };

/** Floats before and behind the images. */
const GUARD = 64;

/**
 * Runs images that lie in the middle of a larger buffer full of NaN: a backend that reads beside
 * them gives wrong results, one that writes there, or into the images, is caught here.
 */
export async function runGuarded(
  executable: Executable,
  images: Float32Array,
  count: number,
): Promise<Outputs> {
  const whole = new Float32Array(images.length + 2 * GUARD).fill(Number.NaN);
  whole.set(images, GUARD);
  const outputs = await executable.run(whole.subarray(GUARD, GUARD + images.length), count);
  const touched = whole.findIndex((value, i) => {
    return !Object.is(value, images[i - GUARD] ?? Number.NaN);
  });
  if (touched < 0) return outputs;
  throw new Error(`it wrote into or beside its input, at ${touched - GUARD}`);
}

/** Index of the first number whose float32 bits differ (any NaN is like any other), else -1. */
export function firstDifference(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  const length = Math.max(actual.length, expected.length);
  for (let i = 0; i < length; i++) if (!Object.is(actual[i], expected[i])) return i;
  return -1;
}

/** "image 0, [1, 2, 3]" of an element of [N, H, W, C]. */
export function place(index: number, shape: readonly [number, number, number]): string {
  const [height, width, channels] = shape;
  const pixel = Math.floor(index / channels);
  const row = Math.floor(pixel / width);
  const at = [row % height, pixel % width, index % channels].join(", ");
  return `image ${Math.floor(row / height)}, [${at}]`;
}
