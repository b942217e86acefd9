import { createHash, randomBytes } from "node:crypto";
import * as zlib from "node:zlib";
import { expect, test } from "vitest";
import { memoryBuffer } from "./async-buffer.js";
import { crc32 } from "./crc32.js";
import { incrementalSha256, sha256 } from "./sha256.js";

test("CRC-32 equals zlib's, in one piece and in two", () => {
  for (let length = 0; length < 80; length++) {
    const bytes = randomBytes(length);
    const cut = Math.floor(length / 3);
    expect(crc32(bytes)).toBe(zlib.crc32(bytes));
    expect(crc32(bytes.subarray(cut), crc32(bytes.subarray(0, cut)))).toBe(zlib.crc32(bytes));
  }
});

test("SHA-256 equals Node's for all lengths round the block size, fed in pieces", async () => {
  for (let length = 0; length < 200; length++) {
    const bytes = randomBytes(length);
    const expected = createHash("sha256").update(bytes).digest("hex");
    const cut = Math.floor(length / 2);
    const own = incrementalSha256();
    own.update(bytes.subarray(0, cut));
    own.update(bytes.subarray(cut));
    expect(own.hex()).toBe(expected);
    expect(await sha256(memoryBuffer(bytes))).toBe(expected);
  }
});

test("SHA-256 of a buffer of several chunks", async () => {
  const bytes = randomBytes(2_500_000);
  const expected = createHash("sha256").update(bytes).digest("hex");
  expect(await sha256(memoryBuffer(bytes))).toBe(expected);
  const own = incrementalSha256();
  own.update(bytes);
  expect(own.hex()).toBe(expected);
});
