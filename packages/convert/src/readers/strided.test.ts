import * as fc from "fast-check";
import { expect, test } from "vitest";
import { columnMajor, elementCount, gather, isRowMajor, rowMajor, spanOf } from "./strided.js";

const view = fc.record({
  axes: fc.array(fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 7 })), {
    maxLength: 4,
  }),
  size: fc.constantFrom(1, 2, 4, 8),
});

/** Element numbers in row-major order, one index tuple at a time. */
function* indices(shape: readonly number[], strides: readonly number[]): Generator<number> {
  const total = shape.reduce((product, size) => product * size, 1);
  for (let flat = 0; flat < total; flat++) {
    let rest = flat;
    let at = 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += (rest % shape[axis]) * strides[axis];
      rest = Math.floor(rest / shape[axis]);
    }
    yield at;
  }
}

test("gather copies exactly the elements that the strides name", () => {
  fc.assert(
    fc.property(view, ({ axes, size }) => {
      const shape = axes.map(([length]) => length);
      const strides = axes.map(([, stride]) => stride);
      const span = spanOf(shape, strides);
      const bytes = Uint8Array.from({ length: span * size }, (_, i) => (i * 37 + 11) & 255);
      const expected = [...indices(shape, strides)].flatMap((at) => [
        ...bytes.subarray(at * size, (at + 1) * size),
      ]);
      expect([...gather(bytes, size, shape, strides)]).toEqual(expected);
    }),
    { numRuns: 500, seed: 1 },
  );
});

test("span is the last element touched plus one", () => {
  fc.assert(
    fc.property(view, ({ axes }) => {
      const shape = axes.map(([length]) => length);
      const strides = axes.map(([, stride]) => stride);
      expect(spanOf(shape, strides)).toBe(Math.max(-1, ...indices(shape, strides)) + 1);
    }),
    { numRuns: 500, seed: 2 },
  );
});

test("orders of memory", () => {
  expect(rowMajor([2, 3, 4])).toEqual([12, 4, 1]);
  expect(columnMajor([2, 3, 4])).toEqual([1, 2, 6]);
  expect(isRowMajor([2, 1, 4], [4, 99, 1])).toBe(true);
  expect(isRowMajor([4, 2], [1, 4])).toBe(false);
});

test("impossible shapes are refused", () => {
  expect(elementCount([], "x")).toBe(1);
  expect(elementCount([0, 2 ** 52], "x")).toBe(0);
  expect(() => elementCount([2 ** 30, 2 ** 30], "x")).toThrow("more elements than any file");
  expect(() => elementCount([-1], "x")).toThrow("not a size");
  expect(() => elementCount([0.5], "x")).toThrow("not a size");
  expect(() => elementCount(new Array(33).fill(1), "x")).toThrow("33 dimensions");
});
