import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { allFinite, finiteCheck, vectorCheck } from "./all-finite.js";

/** Any 32 bits, those of infinities and NaN among them. */
const bits = fc.oneof(
  fc.integer(),
  fc.constantFrom(0, 0x7f7fffff, 0x7f800000, 0x7f800001, 0x7fffffff).chain((x) => {
    return fc.constantFrom(x, x | 0x80000000);
  }),
);

describe.each([
  ["a loop", allFinite],
  ["vectors", vectorCheck()],
])("finite numbers, by %s", (_, check) => {
  it("are told from all others", () => {
    fc.assert(
      fc.property(fc.array(bits, { maxLength: 40 }), (words) => {
        const data = new Float32Array(Int32Array.from(words).buffer);
        expect(check(data)).toBe([...data].every(Number.isFinite));
      }),
    );
  });

  it("are missed nowhere in a large view", () => {
    const data = new Float32Array(40_003).subarray(3);
    expect(check(data)).toBe(true);
    for (const at of [0, 3, 16_383, 16_384, 32_767, 32_768, 39_998, 39_999]) {
      data[at] = at % 2 ? Number.NaN : Number.NEGATIVE_INFINITY;
      expect(check(data), `element ${at}`).toBe(false);
      data[at] = -3.4e38;
    }
    expect(check(data)).toBe(true);
  });
});

/** More numbers than the loop alone is given. */
const MANY = 70_000;

it("finds them in few numbers and in many", () => {
  for (const size of [5, MANY]) {
    const data = new Float32Array(size);
    expect(finiteCheck()(data)).toBe(true);
    data[size - 1] = Number.NaN;
    expect(finiteCheck()(data)).toBe(false);
  }
});

it("does without WebAssembly", () => {
  vi.stubGlobal("WebAssembly", undefined);
  try {
    const data = new Float32Array(MANY);
    expect(finiteCheck()(data)).toBe(true);
    data[MANY - 1] = Number.NaN;
    expect(finiteCheck()(data)).toBe(false);
  } finally {
    vi.unstubAllGlobals();
  }
});
