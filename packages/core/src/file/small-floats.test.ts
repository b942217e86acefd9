import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnebitError } from "../errors.js";
import { type StoredTensor, storedFloat32 } from "./safetensors.js";
import { joinSmallFloats, SMALL_FLOATS_KEY, splitSmallFloats } from "./small-floats.js";

const key = fc.stringMatching(/^[a-z]{1,4}(\.[a-z0-9]{1,4}){0,3}$/);
const vector = fc
  .array(fc.float({ noNaN: true }), { minLength: 1, maxLength: 9 })
  .map((values) => storedFloat32([values.length], values));
const matrix = fc.constant(storedFloat32([1, 2], [3, 4]));
const halves: fc.Arbitrary<StoredTensor> = fc.constant({
  dtype: "F16",
  shape: [1],
  data: new Uint8Array(2),
});
const tensors = fc.dictionary(key, fc.oneof(vector, matrix, halves));

describe("joinSmallFloats", () => {
  it("is undone by splitSmallFloats, through JSON", () => {
    fc.assert(
      fc.property(tensors, (stored) => {
        const joined = joinSmallFloats(stored);
        const table = joined.floats && JSON.parse(JSON.stringify(joined.floats));
        expect({ ...splitSmallFloats(table, joined.tensors) }).toEqual({ ...stored });
      }),
    );
  });

  it("leaves one tensor of all numbers, and what is large or no float32", () => {
    const a = storedFloat32([2, 1], [1, 2]);
    const b = storedFloat32([1], [3]);
    const large = storedFloat32([5000], new Float32Array(5000));
    const half: StoredTensor = { dtype: "F16", shape: [1], data: new Uint8Array(2) };
    const { tensors: joined, floats } = joinSmallFloats({ "x.b": a, large, half, "y.c": b });
    expect(joined).toEqual({ large, half, [SMALL_FLOATS_KEY]: storedFloat32([3], [1, 2, 3]) });
    expect(floats?.shapes).toEqual([[2, 1], [1]]);
  });
});

describe("splitSmallFloats", () => {
  const stored = {
    [SMALL_FLOATS_KEY]: storedFloat32([3], [1, 2, 3]),
    w: storedFloat32([1], [4]),
  };
  const scopes = (...suffixes: string[]) => [["s", suffixes]];
  it.each<[string, unknown]>([
    ["no object", 5],
    ["too few shapes", { names: scopes("b", "c"), shapes: [[3]] }],
    ["shapes that leave a rest", { names: scopes("b", "c"), shapes: [[1], [1]] }],
    ["a side of 0", { names: scopes("b", "c"), shapes: [[3], [0]] }],
    ["no side", { names: scopes("b", "c"), shapes: [[2], []] }],
    ["a side below 0", { names: scopes("b", "c"), shapes: [[4], [-1]] }],
    ["two sides below 0", { names: scopes("b"), shapes: [[-3, -1]] }],
    ["a fraction", { names: scopes("b", "c"), shapes: [[1.5], [1.5]] }],
    ["a name twice", { names: scopes("b", "b"), shapes: [[1], [2]] }],
    ["the name of another tensor", { names: [["", ["w"]]], shapes: [[3]] }],
    ["names that are none", { names: [["s", [1, 2]]], shapes: [[1], [2]] }],
  ])("refuses %s", (_, table) => {
    expect(() => splitSmallFloats(table, stored)).toThrow(OnebitError);
  });

  it("refuses a file without the vectors", () => {
    const table = { names: scopes("b"), shapes: [[1]] };
    expect(() => splitSmallFloats(table, { w: stored.w })).toThrow(/do not fit/);
  });
});
