import fc from "fast-check";
import { describe, expect, it, vi } from "vitest";
import { allFinite, finiteCheck, MODULE, vectorCheck } from "./all-finite.js";

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

const text = (ascii: string) => [ascii.length, ...new TextEncoder().encode(ascii)];
const section = (id: number, content: readonly number[]) => [id, content.length, ...content];
const lanes = (...bytes: number[]) => [0xfd, 0x0c, ...Array(4).fill(bytes).flat()];

it("has the module that its source says", () => {
  const [END, AT, CARRY] = [0, 1, 2];
  const [I32, V128] = [0x7f, 0x7b];
  const [GET, SET, TEE] = [0x20, 0x21, 0x22];
  const code = [
    ...[2, 1, I32, 1, V128],
    // do { carry |= (load(at) & EXPONENT) + EXPONENT_STEP
    ...[0x03, 0x40],
    ...[GET, AT, 0xfd, 0x00, 4, 0],
    ...[...lanes(0, 0, 0x80, 0x7f), 0xfd, 0x4e],
    ...[...lanes(0, 0, 0x80, 0), 0xfd, 0xae, 1],
    ...[GET, CARRY, 0xfd, 0x50, SET, CARRY],
    // } while ((at += 16) < end)
    ...[GET, AT, 0x41, 16, 0x6a, TEE, AT, GET, END, 0x49],
    ...[0x0d, 0, 0x0b],
    // return the lanes' signs
    ...[GET, CARRY, 0xfd, 0xa4, 1, 0x0b],
  ];
  const module = Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, I32]),
    ...section(3, [1, 0]),
    ...section(5, [1, 0, 1]),
    ...section(7, [2, ...text("memory"), 2, 0, ...text("carries"), 0, 0]),
    ...section(10, [1, code.length, ...code]),
  ]);
  expect(MODULE).toBe(btoa(String.fromCharCode(...module)));
});
