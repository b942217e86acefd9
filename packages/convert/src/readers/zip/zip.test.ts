import { crc32, deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { memoryBuffer } from "../async-buffer.js";
import { bytes, int } from "../test-support/bytes.js";
import { fixture, refused } from "../test-support/checks.js";
import { type Member, type ZipOptions, zip } from "../test-support/zips.js";
import { readDirectory } from "./directory.js";
import { entryPrefix, entrySource } from "./entry-source.js";

const data = bytes("The quick brown fox jumps over the lazy dog. ".repeat(40));

/** Every member read whole, by name. */
async function unzip(file: Uint8Array): Promise<Record<string, Uint8Array>> {
  const buffer = memoryBuffer(file);
  const contents: Record<string, Uint8Array> = {};
  for (const entry of (await readDirectory(buffer)).values()) {
    const source = entrySource(buffer, entry);
    contents[entry.name] = await source.read(0, source.byteLength);
  }
  return contents;
}

const one = (member: Partial<Member>, options?: ZipOptions): Uint8Array =>
  zip([{ name: "a", data, ...member }], options);

/** A member that says it is `data`, deflated to `content`. */
const deflated = (content: Uint8Array): Uint8Array =>
  one({
    data: content,
    method: 8,
    size: data.length,
    compressedSize: content.length,
    crc: crc32(data),
  });

describe("what is read", () => {
  test.each<[string, Partial<Member>, ZipOptions]>([
    ["stored", {}, {}],
    ["a record after the data", { descriptor: "32" }, {}],
    ["a 64-bit record after the data", { descriptor: "64" }, {}],
    ["records without signature", { descriptor: "unsigned-32" }, {}],
    ["64-bit records without signature", { descriptor: "unsigned-64" }, {}],
    ["zip64 sizes", { wide: true }, {}],
    ["zip64 end records", {}, { wide: true }],
    ["zip64 throughout", { wide: true, descriptor: "64" }, { wide: true }],
    ["a comment", {}, { comment: "made by hand" }],
    [
      "padding in front of the data",
      { localExtra: bytes("FB", int(40, 2), new Uint8Array(40)) },
      {},
    ],
  ])("%s", async (_, member, options) => {
    expect(await unzip(one(member, options))).toEqual({ a: data });
  });

  test("members that Python deflated, and ranges of them", async () => {
    const buffer = memoryBuffer(fixture("numpy-compressed.npz"));
    const stored = memoryBuffer(fixture("numpy.npz"));
    const plain = await readDirectory(stored);
    for (const entry of (await readDirectory(buffer)).values()) {
      const source = entrySource(buffer, entry);
      const expected = entrySource(stored, plain.get(entry.name)!);
      expect(entry.method).toBe(8);
      expect(await source.read(0, entry.size)).toEqual(await expected.read(0, entry.size));
      expect(await source.read(10, 60)).toEqual(await expected.read(10, 60));
      expect(await expected.read(10, 60)).toEqual(await source.read(10, 60));
      expect(await entryPrefix(buffer, entry, 32)).toEqual(await expected.read(0, 32));
    }
  });

  test("after the first read, a range of a stored member reads only that range", async () => {
    const file = one({});
    const reads: number[] = [];
    const memory = memoryBuffer(file);
    const buffer = {
      byteLength: file.length,
      slice: (start: number, end: number) => {
        reads.push(end - start);
        return memory.slice(start, end);
      },
    };
    const [entry] = (await readDirectory(buffer)).values();
    const source = entrySource(buffer, entry);
    expect(await source.read(100, 110)).toEqual(data.slice(100, 110));
    reads.length = 0;
    expect(await source.read(200, 207)).toEqual(data.slice(200, 207));
    expect(reads).toEqual([7]);
  });
});

describe("what is refused", () => {
  const flipped = (file: Uint8Array, at: number): Uint8Array => {
    const copy = file.slice();
    copy[at] ^= 1;
    return copy;
  };
  const two = (second: Partial<Member>): Uint8Array =>
    zip([
      { name: "a", data },
      { name: "b", data, ...second },
    ]);

  test.each<[string, Uint8Array, RegExp]>([
    ["one wrong bit in the data", flipped(one({}), 500), /a is damaged: its CRC-32/],
    ["a wrong CRC", one({ crc: 1 }), /CRC-32/],
    ["a wrong record after the data", one({ descriptor: "wrong" }), /record after its data/],
    ["another name in its own header", one({ localName: "b" }), /disagree/],
    ["a longer name in its own header", one({ localName: "bb" }), /disagree|truncated/],
    [
      "a name twice",
      zip([
        { name: "a", data },
        { name: "a", data },
      ]),
      /two members are named a/,
    ],
    ["two members in one place", two({ headerOffset: 0 }), /overlaps/],
    ["a member inside another", two({ headerOffset: 40 }), /overlaps/],
    ["a member inside the directory", one({ headerOffset: 2000 }), /overlaps/],
    ["a member outside the file", one({ headerOffset: 2 ** 31 }), /overlaps|outside/],
    ["a size beyond the file", one({ size: 2 ** 31, compressedSize: 2 ** 31 }), /overlaps|outside/],
    ["two sizes of stored data", one({ size: 5 }), /two sizes differ/],
    ["an extra field that reaches into the data", flipped(one({}), 28), /overlaps what follows/],
    ["encryption", one({ flags: 1 }), /encrypted/],
    ["unknown flags", one({ flags: 64 }), /unknown flags/],
    ["unknown compression", one({ method: 14 }), /method 14/],
    [
      "zip64 sizes that are missing",
      one({ wide: true, localExtra: bytes() }),
      /lacks its 64-bit sizes/,
    ],
    [
      "bytes in front",
      one({}, { prefix: bytes("#!/bin/sh\n"), directoryOffset: 1800 }),
      /do not end at/,
    ],
    ["bytes behind", bytes(one({}), "more"), /no directory at the end/],
    ["more members than there are", one({}, { count: 3 }), /are not possible|no member/],
    ["fewer members than there are", one({}, { count: 0 }), /after the last member/],
    ["65,535 members in a small file", one({}, { count: 65_534 }), /not possible/],
    ["zip64 records that disagree", one({}, { wide: true, directoryOffset: 0 }), /do not end at/],
  ])("%s", (_, file, message) => refused(() => unzip(file), message));

  test("truncation at any byte", async () => {
    const file = zip([{ name: "a", data: data.slice(0, 40), descriptor: "64" }], { wide: true });
    for (let length = 0; length < file.length; length++) {
      await refused(() => unzip(file.slice(0, length)), /directory|truncated|outside/);
    }
  });

  test("a bomb: 64 MiB of zeros in 64 kB", async () => {
    const packed = deflateRawSync(Buffer.alloc(64 * 2 ** 20));
    const claims = (size: number) =>
      one({ data: packed, method: 8, size, compressedSize: packed.length, crc: 0 });
    await refused(() => unzip(claims(2 ** 31)), /decompression bomb/);
    await refused(() => unzip(claims(1000)), /more than 1000 bytes/);
    await refused(() => unzip(claims(100_000_000)), /bomb|of 100000000 bytes/);
  });

  test("deflated data that is cut or replaced", async () => {
    const packed = deflateRawSync(data);
    expect(await unzip(deflated(packed))).toEqual({ a: data });
    await refused(() => unzip(deflated(packed.subarray(0, -3))), /damaged/);
    await refused(() => unzip(deflated(bytes(0xff, packed))), /damaged/);
    await refused(() => unzip(deflated(deflateRawSync(data.toReversed()))), /CRC-32/);
  });
});
