import type { GridSettings } from "./record.js";

/** Of a row or column of the grid: from -radius to radius. */
export function coordinate({ points, radius }: Omit<GridSettings, "seed">, index: number): number {
  return radius * ((2 * index) / (points - 1) - 1);
}
