import { expect, test } from "vitest";
import { decodeElements, halfToFloat, swapByteOrder, toFloat32 } from "./dtype.js";

test("float16: landmarks of IEEE 754 binary16", () => {
  const landmarks: [number, number][] = [
    [0x0000, 0],
    [0x0001, 2 ** -24],
    [0x03ff, 1023 * 2 ** -24],
    [0x0400, 2 ** -14],
    [0x3555, 0.333251953125],
    [0x3c00, 1],
    [0x3c01, 1 + 2 ** -10],
    [0x7bff, 65504],
    [0x7c00, Number.POSITIVE_INFINITY],
    [0xc000, -2],
  ];
  for (const [bits, value] of landmarks) expect(halfToFloat(bits)).toBe(value);
  expect(Object.is(halfToFloat(0x8000), -0)).toBe(true);
  expect(halfToFloat(0x7e00)).toBeNaN();
});

test("float16: every positive finite number is larger than the one before", () => {
  for (let bits = 1; bits < 0x7c00; bits++) {
    expect(halfToFloat(bits)).toBeGreaterThan(halfToFloat(bits - 1));
  }
});

test("a float32 NaN with a payload keeps its bits", () => {
  const words = Uint32Array.of(0x7fc12345, 0xff812345);
  const decoded = decodeElements(new Uint8Array(words.buffer), "float32");
  expect([...new Uint32Array(decoded.buffer)]).toEqual([...words]);
});

test("unaligned bytes are decoded, not refused", () => {
  const buffer = new Uint8Array(9);
  new DataView(buffer.buffer).setFloat32(1, -2.5, true);
  new DataView(buffer.buffer).setFloat32(5, 7, true);
  expect([...decodeElements(buffer.subarray(1), "float32")]).toEqual([-2.5, 7]);
});

test("conversion to float32 rounds to the nearest", () => {
  expect([...toFloat32(Float64Array.of(0.1, 1e300))]).toEqual([Math.fround(0.1), Infinity]);
  expect([...toFloat32(BigInt64Array.of(-3n, 2n ** 60n))]).toEqual([-3, 2 ** 60]);
  expect([...toFloat32(Int8Array.of(-128, 127))]).toEqual([-128, 127]);
});

test("byte order: elements turn round, their order stays", () => {
  const bytes = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);
  swapByteOrder(bytes, 4);
  expect([...bytes]).toEqual([4, 3, 2, 1, 8, 7, 6, 5]);
});
