import type { MapShape } from "../../../program/geometry.js";
import type { PadValue } from "../../../program/types.js";

export interface WindowStep {
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly dilation?: readonly [number, number];
  readonly padValue?: PadValue;
}

/**
 * Calls visit(position, inside, ky, kx) for every kernel position of the window of output (oy, ox):
 * ky, then kx. `position` is the pixel index y * W + x where it is inside the map, or of the nearest pixel
 * where the padding replicates; -1 elsewhere.
 */
export function forEachPosition(
  [height, width]: MapShape,
  { kernel, stride, padding, dilation = [1, 1], padValue }: WindowStep,
  oy: number,
  ox: number,
  visit: (pixel: number, kernelPosition: number) => void,
): void {
  const within = (place: number, size: number) =>
    padValue === "replicate" ? Math.max(0, Math.min(place, size - 1)) : place;
  for (let ky = 0; ky < kernel[0]; ky++) {
    const y = within(oy * stride[0] + ky * dilation[0] - padding[0], height);
    for (let kx = 0; kx < kernel[1]; kx++) {
      const x = within(ox * stride[1] + kx * dilation[1] - padding[1], width);
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
