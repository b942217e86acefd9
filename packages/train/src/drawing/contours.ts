/** Values on a grid: rows of equal length. */
export type Grid = readonly (readonly number[])[];

/**
 * The line on which a grid has a value, by marching squares: in each square of four neighbours the crossings of
 * its sides, linearly between corners, are joined in pairs; where all four sides are crossed, the mean of the
 * corners decides which. Coordinates are [column, row]; segments in no order.
 */
export function contour(grid: Grid, level: number): [Point, Point][] {
  const segments: [Point, Point][] = [];
  for (let row = 0; row + 1 < grid.length; row++)
    for (let column = 0; column + 1 < grid[row].length; column++) {
      segments.push(...inSquare(grid, level, column, row));
    }
  return segments;
}

export type Point = readonly [column: number, row: number];

/** Corners of a square, one after the other along its sides. */
const CORNERS = [
  [0, 0],
  [1, 0],
  [1, 1],
  [0, 1],
] as const;

function inSquare(grid: Grid, level: number, column: number, row: number): [Point, Point][] {
  const corners = CORNERS.map(([x, y]) => grid[row + y][column + x]);
  const crossings = corners.flatMap((from, i): Point[] => {
    const to = corners[(i + 1) % 4];
    if (from > level === to > level) return [];
    const part = (level - from) / (to - from);
    const [[x0, y0], [x1, y1]] = [CORNERS[i], CORNERS[(i + 1) % 4]];
    return [[column + x0 + part * (x1 - x0), row + y0 + part * (y1 - y0)]];
  });
  if (crossings.length === 0) return [];
  const [top, right, bottom, left] = crossings;
  if (crossings.length === 2) return [[top, right]];
  const middle = corners.reduce((sum, value) => sum + value, 0) / 4;
  // The first corner lies between the left and the upper side: alone, unless the middle is on its side.
  const isCutOff = corners[0] > level !== middle > level;
  return isCutOff
    ? [
        [left, top],
        [right, bottom],
      ]
    : [
        [top, right],
        [bottom, left],
      ];
}
