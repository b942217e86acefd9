import { text } from "./svg.js";

/** Where a point lies, in pixels, and what stands beside it. */
export interface Labelled {
  readonly name: string;
  readonly x: number;
  readonly y: number;
}

interface Box {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Of letters of 12 pixels, about. */
const [LETTER, HEIGHT] = [6.4, 11];
const RADIUS = 5;

/**
 * A name for each point where there is room for it, right of it, left, above or below; else none. Earlier ones come
 * first.
 */
export function labels(points: readonly Labelled[], width: number): string[] {
  const taken: Box[] = points.map(({ x, y }) => around(x, y, RADIUS, RADIUS));
  return points.map(({ name, x, y }, own) => {
    const half = (LETTER * name.length) / 2;
    const places = [
      [x + 7 + half, y],
      [x - 7 - half, y],
      [x, y - 12],
      [x, y + 12],
    ] as const;
    for (const [cx, cy] of places) {
      const box = around(cx, cy, half, HEIGHT / 2);
      if (box.left < 0 || box.right > width) continue;
      if (taken.some((other, i) => i !== own && overlap(box, other))) continue;
      taken.push(box);
      return text(cx, cy + 4, name, "middle");
    }
    return "";
  });
}

const around = (x: number, y: number, dx: number, dy: number): Box => ({
  ...{ left: x - dx, right: x + dx, top: y - dy, bottom: y + dy },
});

const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
