import type { Shape } from "../graph/types.js";

/** Calls visit with the offset of every element of one channel of a map [N, C, H, W]. */
export function forEachInChannel(
  [n, c, h, w]: Shape,
  channel: number,
  visit: (offset: number) => void,
): void {
  for (let image = 0; image < n; image++) {
    const from = (image * c + channel) * h * w;
    for (let i = from; i < from + h * w; i++) visit(i);
  }
}
