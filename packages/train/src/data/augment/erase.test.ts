import { describe, expect, it } from "vitest";
import { augmented, imageOf } from "../../test-support/augmented.js";
import { rng } from "../random.js";

const white = imageOf([40, 30, 3], () => 255);

/** Width, height and pixels of what is no longer white. */
function hole(data: Uint8Array) {
  const [xs, ys]: [number[], number[]] = [[], []];
  for (let i = 0; i < data.length; i += 3) {
    if (data[i] === 255 && data[i + 1] === 255 && data[i + 2] === 255) continue;
    xs.push((i / 3) % 40);
    ys.push(Math.floor(i / 3 / 40));
  }
  const span = (values: number[]) => Math.max(...values) - Math.min(...values) + 1;
  return { width: span(xs), height: span(ys), pixels: xs.length };
}

describe("random erasing", () => {
  it("takes one rectangle, of 2 to 33 % of the area, as often as told, for the data's mean", () => {
    const random = rng(1);
    let erased = 0;
    let share = 0;
    for (let n = 0; n < 2000; n++) {
      const { data } = augmented(white, { erase: 0.25 }, random);
      if (data.every((value) => value === 255)) continue;
      erased++;
      const { width, height, pixels } = hole(data);
      expect(pixels).toBe(width * height);
      expect(width / height).toBeGreaterThan(0.25);
      expect(width / height).toBeLessThan(4);
      share += pixels / 1200;
      const first = data.findIndex((value) => value !== 255);
      expect([...data.subarray(first, first + 3)]).toEqual([102, 128, 153]);
    }
    expect(erased / 2000).toBeCloseTo(0.25, 1);
    // Uniform from 0.02 to ⅓, but that the larger fit less often.
    expect(share / erased).toBeGreaterThan(0.13);
    expect(share / erased).toBeLessThan(0.18);
  });

  it("as noise has the data's mean and deviation", () => {
    const options = { probability: 1, mode: "pixel", scale: [0.3, 0.3], ratio: [1, 1] } as const;
    const sums = [0, 0, 0];
    const squares = [0, 0, 0];
    const black = imageOf([60, 60, 3], () => 0);
    const { data } = augmented(black, { erase: options }, rng(2));
    let count = 0;
    for (let i = 0; i < data.length; i += 3) {
      if (!data[i] && !data[i + 1] && !data[i + 2]) continue;
      count++;
      for (let c = 0; c < 3; c++) {
        sums[c] += data[i + c];
        squares[c] += data[i + c] ** 2;
      }
    }
    expect(count).toBe(33 * 33);
    // Red: 255 (0.4 ± 0.1), hardly cut off.
    const mean = sums[0] / count;
    expect(Math.abs(mean - 102)).toBeLessThan(3);
    expect(Math.abs(Math.sqrt(squares[0] / count - mean ** 2) - 25.5)).toBeLessThan(2.5);
  });

  it("as one colour, in several places, leaves the image that was given alone", () => {
    const options = { probability: 1, mode: "rand", count: 3 };
    const before = white.data.slice();
    const random = rng(3);
    const colours = new Set<string>();
    for (let n = 0; n < 40; n++) {
      const { data } = augmented(white, { erase: options }, random);
      const found = new Set<string>();
      for (let i = 0; i < data.length; i += 3) found.add(data.subarray(i, i + 3).join());
      found.delete("255,255,255");
      expect(found.size).toBeLessThanOrEqual(3);
      for (const colour of found) colours.add(colour);
    }
    expect(colours.size).toBeGreaterThan(40);
    expect(white.data).toEqual(before);
  });
});
