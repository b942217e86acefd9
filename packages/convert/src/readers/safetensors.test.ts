import * as fc from "fast-check";
import { OnebitError } from "onebit";
import { describe, expect, test } from "vitest";
import { bytes, floats, int } from "./test-support/bytes.js";
import { openBytes, readAll, refusedBytes } from "./test-support/checks.js";

const file = (header: unknown, data: Uint8Array = floats([1, 2, 3])): Uint8Array => {
  const text = typeof header === "string" ? header : JSON.stringify(header);
  return bytes(int(Buffer.byteLength(text), 8), text, data);
};
const three = { dtype: "F32", shape: [3], data_offsets: [0, 12] };

test("tensors of all types, metadata, a padded header, empty tensors", async () => {
  const header = JSON.stringify({
    __metadata__: { format: "pt", note: "ä" },
    half: { dtype: "F16", shape: [2], data_offsets: [12, 16] },
    "a.b": three,
    brain: { dtype: "BF16", shape: [1, 1], data_offsets: [16, 18] },
    none: { dtype: "F64", shape: [0, 5], data_offsets: [18, 18] },
    flag: { dtype: "BOOL", shape: [], data_offsets: [18, 19] },
    big: { dtype: "I64", shape: [1], data_offsets: [19, 27] },
  });
  const data = bytes(floats([1, 2, 3]), 0, 0x3c, 0, 0xc0, 0x80, 0x3f, 1, int(-7, 8));
  const { format, tensors, metadata } = await openBytes(file(`${header}   `, data));
  expect(format).toBe("safetensors");
  expect(Object.fromEntries(metadata)).toEqual({ format: "pt", note: "ä" });
  const values = async (key: string) => Array.from(await tensors.get(key)!.read(), Number);
  expect(await values("a.b")).toEqual([1, 2, 3]);
  expect(await values("half")).toEqual([1, -2]);
  expect(await values("brain")).toEqual([1]);
  expect(await values("none")).toEqual([]);
  expect(await values("flag")).toEqual([1]);
  expect(await values("big")).toEqual([-7]);
});

describe("refused", () => {
  test.each<[string, Uint8Array, RegExp]>([
    ["a hole", file({ a: { ...three, data_offsets: [4, 16] } }, new Uint8Array(16)), /begins at 4/],
    [
      "an overlap",
      file({ a: three, b: { ...three, data_offsets: [8, 20] } }, new Uint8Array(20)),
      /b begins at 8, .* ends at 12/,
    ],
    ["the same range twice", file({ a: three, b: three }), /b begins at 0/],
    [
      "bytes that belong to nothing",
      file({ a: three }, new Uint8Array(13)),
      /take 12 bytes, the file has 13/,
    ],
    [
      "a range beyond the file",
      file({ a: { dtype: "U8", shape: [2 ** 40], data_offsets: [0, 2 ** 40] } }),
      /the file has 12/,
    ],
    [
      "a range that does not fit its shape",
      file({ a: { ...three, shape: [4] } }),
      /takes 16 bytes, its range has 12/,
    ],
    [
      "a range that runs backwards",
      file({ a: { ...three, data_offsets: [12, 0] } }),
      /its range has -12/,
    ],
    ["a negative place", file({ a: { ...three, data_offsets: [-12, 0] } }), /needs dtype, shape/],
    ["a negative size", file({ a: { ...three, shape: [-3] } }), /needs dtype, shape/],
    [
      "2^80 elements",
      file({ a: { ...three, shape: [2 ** 40, 2 ** 40] } }),
      /more elements than any file/,
    ],
    ["a fraction", file({ a: { ...three, shape: [1.5, 2] } }), /needs dtype/],
    ["an unknown type", file({ a: { ...three, dtype: "F8_E4M3" } }), /type F8_E4M3: not read/],
    [
      "a key twice",
      file(`{"a":${JSON.stringify(three)},"\\u0061":${JSON.stringify(three)}}`),
      /a occurs twice/,
    ],
    ["metadata that is no text", file({ __metadata__: { a: 1 }, b: three }), /texts only/],
    ["an unknown field", file({ a: { ...three, stride: 1 } }), /needs dtype/],
    ["control characters in a key", file({ "a\u001b[2J": three }), /control characters/],
    ["no JSON", file("{a"), /is not JSON/],
    ["a header that is too long", bytes(int(2 ** 39, 8), "{}"), /header of 549755813888 bytes/],
    ["a header beyond the file", bytes(int(1000, 8), "{}"), /truncated/],
    ["8 MiB of brackets", file(`{"a":${"[".repeat(8e6)}`), /nested more than 32/],
    ["8 MiB in one key", file(`{"${"a".repeat(8e6)}":1}`), /needs dtype/],
  ])("%s", (_, data, message) => refusedBytes(data, message));

  test("truncation at any byte", async () => {
    const whole = file({ a: three });
    for (let length = 0; length < whole.length; length++) {
      await refusedBytes(whole.slice(0, length), /./);
    }
  });
});

test("random headers end in tensors or an OnebitError (2,000)", async () => {
  const field = fc.oneof(
    fc.integer({ min: -1, max: 20 }),
    fc.array(fc.integer({ min: -1, max: 12 }), { maxLength: 3 }),
    fc.constantFrom("F32", "U8", "I64", "X", null, true),
    fc.constant({ a: [[]] }),
  );
  const record = fc.record(
    { dtype: field, shape: field, data_offsets: field },
    { requiredKeys: [] },
  );
  const header = fc.dictionary(
    fc.constantFrom("a", "b", "__metadata__", "__proto__"),
    fc.oneof(record, field),
  );
  await fc.assert(
    fc.asyncProperty(header, fc.uint8Array({ maxLength: 24 }), async (made, data) => {
      const outcome = await readAll(file(made, data)).catch((error: unknown) => error);
      if (outcome instanceof Error) expect(outcome).toBeInstanceOf(OnebitError);
    }),
    { numRuns: 2000, seed: 5 },
  );
});
