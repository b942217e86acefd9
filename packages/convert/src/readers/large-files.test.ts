import { open } from "node:fs/promises";
import { crc32 } from "node:zlib";
import { OnebitError } from "onebit";
import { expect, test } from "vitest";
import { temporaryFolder } from "../../../cli/src/test-support/folder.js";
import { fileBuffer } from "./file-buffer.js";
import { openCheckpoint } from "./open-checkpoint.js";
import { stateDict } from "./state-dict.js";
import { bytes, floats, int } from "./test-support/bytes.js";
import { dict, legacyFile, pickle, storage, tensor, text } from "./test-support/pickles.js";
import { zip } from "./test-support/zips.js";

const path = temporaryFolder();
const GIB = 2 ** 30;

/** A file with a hole of `hole` zeros behind `head`: it takes no room on the disk. */
async function sparse(name: string, head: Uint8Array, hole: number, tail: Uint8Array) {
  const file = await open(path(name), "w");
  await file.write(head, 0, head.length, 0);
  await file.write(tail, 0, tail.length, head.length + hole);
  await file.close();
  return path(name);
}

/** [elements of `moments`, which nobody reads; the tensor behind it] of a checkpoint. */
const root = (elements: number) =>
  dict(
    [
      text("optimizer"),
      dict([
        text("moments"),
        tensor({ storage: storage({ count: elements }), shape: [elements], strides: [1] }),
      ]),
    ],
    [
      text("state_dict"),
      dict([
        text("w"),
        tensor({
          storage: storage({ key: text("1"), count: 3 }),
          shape: [3],
          strides: [1],
        }),
      ]),
    ],
  );

const w = floats([1.5, -2, 3]);

const makers: Record<string, (size: number) => Promise<string>> = {
  "torch zip": (size) => {
    const local = bytes(new Uint8Array(30), "net/data/0", new Uint8Array(20)).length;
    const file = zip(
      [
        // Its CRC-32 is not right: only a read of it would tell.
        { name: "net/data/0", data: bytes(), hole: size, wide: true, crc: crc32(bytes()) },
        { name: "net/data.pkl", data: pickle(root(size / 4)), wide: true },
        { name: "net/data/1", data: w, wide: true },
        { name: "net/version", data: bytes("3\n"), wide: true },
      ],
      { wide: true },
    );
    return sparse(`${size}.zip`, file.subarray(0, local), size, file.subarray(local));
  },
  "torch legacy": (size) => {
    const file = legacyFile(root(size / 4), [
      { key: "0", count: size / 4, data: bytes() },
      { key: "1", count: 3, data: w },
    ]);
    const tail = 8 + w.length;
    return sparse(`${size}.legacy`, file.subarray(0, -tail), size, file.subarray(-tail));
  },
  safetensors: (size) => {
    const header = JSON.stringify({
      "optimizer.moments": { dtype: "F32", shape: [size / 4], data_offsets: [0, size] },
      w: { dtype: "F32", shape: [3], data_offsets: [size, size + 12] },
    });
    return sparse(`${size}.safetensors`, bytes(int(header.length, 8), header), size, w);
  },
};

const cases = Object.keys(makers).flatMap((format) =>
  [2.5, 5].map((gib) => [format, gib] as const),
);

test.each(cases)("%s of %f GiB: what lies behind the large tensor is read", async (format, gib) => {
  const buffer = await fileBuffer(await makers[format](gib * GIB));
  try {
    const checkpoint = await openCheckpoint(buffer);
    const { tensors } = stateDict(checkpoint);
    expect([...(await tensors.get("w")!.floats())]).toEqual([1.5, -2, 3]);
    const large = [...checkpoint.tensors.values()].find(({ elements }) => elements > 3)!;
    expect(large.elements).toBe((gib * GIB) / 4);
    if (gib < 4) return;
    await expect(large.floats()).rejects.toThrow(/too (many|large) to hold in memory/);
    await expect(large.floats()).rejects.toThrow(OnebitError);
  } finally {
    await buffer.close();
  }
});
