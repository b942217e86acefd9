import type { MapShape } from "../../../program/geometry.js";

export interface WindowStep {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
}

/**
 * Calls visit(position, inside, ky, kx) for every kernel position of the window of output (oy, ox):
 * ky, then kx. `position` is the pixel index y * W + x where it is inside the map, -1 elsewhere.
 */
export function forEachPosition(
  [height, width]: MapShape,
  { kernel, stride, padding }: WindowStep,
  oy: number,
  ox: number,
  visit: (pixel: number, kernelPosition: number) => void,
): void {
  for (let ky = 0; ky < kernel[0]; ky++) {
    const y = oy * stride[0] + ky - padding[0];
    for (let kx = 0; kx < kernel[1]; kx++) {
      const x = ox * stride[1] + kx - padding[1];
      const inside = y >= 0 && y < height && x >= 0 && x < width;
      visit(inside ? y * width + x : -1, ky * kernel[1] + kx);
    }
  }
}

/** Calls visit(oy, ox, offset) for every output pixel; offset is that of its first channel. */
export function forEachPixel(
  [height, width, channels]: MapShape,
  visit: (oy: number, ox: number, offset: number) => void,
): void {
  for (let oy = 0; oy < height; oy++)
    for (let ox = 0; ox < width; ox++) visit(oy, ox, (oy * width + ox) * channels);
}
