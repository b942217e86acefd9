import { readFileSync } from "node:fs";
import type { Tensor } from "onebit/graph";

/** Test only: the images of an .npy file of uint8, [N, side, side, 3], as [1, 3, side, side] of normalised pixels. */
export function photographs(
  path: string,
  side: number,
  normalised: (pixel: number) => number,
): Tensor[] {
  const bytes = readFileSync(path);
  const pixels = bytes.subarray(10 + bytes.readUInt16LE(8));
  const plane = side * side;
  return Array.from({ length: pixels.length / (3 * plane) }, (_, image) => {
    const first = image * 3 * plane;
    const data = new Float32Array(3 * plane).map((_, i) =>
      normalised(pixels[first + (i % plane) * 3 + Math.floor(i / plane)]),
    );
    return { shape: [1, 3, side, side], data };
  });
}
