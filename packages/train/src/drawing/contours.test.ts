import { expect, it } from "vitest";
import { contour } from "./contours.js";

it("is where a plane has the value", () => {
  const plane = [0, 1, 2, 3].map((row) => [0, 1, 2, 3].map((column) => 2 * column + row));
  const ends = contour(plane, 3.5).flat();
  expect(ends.length).toBeGreaterThan(4);
  for (const [column, row] of ends) expect(2 * column + row).toBeCloseTo(3.5, 12);
});

it("closes around a peak, and is nowhere above it", () => {
  const side = Array.from({ length: 21 }, (_, i) => i - 10);
  const bowl = side.map((row) => side.map((column) => row ** 2 + column ** 2));
  const segments = contour(bowl, 51.3);
  const met = new Map<string, number>();
  for (const [column, row] of segments.flat()) {
    expect(Math.hypot(column - 10, row - 10)).toBeCloseTo(Math.sqrt(51.3), 1);
    const at = `${column.toFixed(9)} ${row.toFixed(9)}`;
    met.set(at, (met.get(at) ?? 0) + 1);
  }
  // A closed line: every end is the beginning of another segment.
  expect([...met.values()].every((times) => times === 2)).toBe(true);
  expect(contour(bowl, 201)).toEqual([]);
});

it("cuts off the corners that the middle is not like, where all four sides are crossed", () => {
  const meets = (grid: number[][]) =>
    contour(grid, 0).map((ends) =>
      ends.map((end) => end.map((at) => Number(at.toFixed(3))).join()),
    );
  expect(
    meets([
      [1, -1],
      [-1, 2],
    ]),
  ).toEqual([
    ["0.5,0", "1,0.333"],
    ["0.333,1", "0,0.5"],
  ]);
  expect(
    meets([
      [1, -2],
      [-1, 1],
    ]),
  ).toEqual([
    ["0,0.5", "0.333,0"],
    ["1,0.667", "0.5,1"],
  ]);
});
