import type { Grid } from "../drawing/index.js";

/**
 * How much more the loss goes up and down than it would with a single valley, along every row and column of the
 * grid:
 *
 *   roughness = sum of |f(i + 1) - f(i)| / sum of (f(first) + f(last) - 2 min f) - 1        sums over all lines
 *
 * 0 where every line falls to its minimum and rises after it, however steeply; 1 where it goes up and down twice as
 * much as that. It does not depend on the scale of the loss. It does on the grid: a finer one sees more. Lines with
 * a value that is not finite are left out; NaN where none is left, or all are flat.
 */
export function roughness(grid: Grid): number {
  const columns = grid[0].map((_, column) => grid.map((row) => row[column]));
  const lines = [...grid, ...columns].filter((line) => line.every(Number.isFinite));
  let [travelled, needed] = [0, 0];
  for (const line of lines) {
    for (let i = 1; i < line.length; i++) travelled += Math.abs(line[i] - line[i - 1]);
    needed += line[0] + line[line.length - 1] - 2 * Math.min(...line);
  }
  return needed > 0 ? travelled / needed - 1 : Number.NaN;
}
