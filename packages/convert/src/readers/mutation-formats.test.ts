import { readFileSync } from "node:fs";
import { crc32 } from "node:zlib";
import { expect, test } from "vitest";
import { shared } from "../../../core/src/test-support/shared.js";
import { cursorOver } from "./cursor.js";
import { int, seeded } from "./test-support/bytes.js";
import { fixture, readAll } from "./test-support/checks.js";
import { mutateAndPrint } from "./test-support/mutations.js";

const timeout = 300_000;

/** Formats without a checksum: 1,000 mutations of the official code's, 1,000 of published files; `npm run fuzz` tries any number. */
const published: readonly (readonly [path: string, count: number])[] = [
  ["goldens/reactnet-a-narrow/checkpoint-legacy.pth.tar", 600],
  ["goldens/reactnet-18-narrow/checkpoint-legacy.pth.tar", 400],
  ["data/weights/cifar10-resnet/resnet20-12fca82f.th", 200],
  ["data/weights/cifar10-resnet/resnet20-12fca82f.safetensors", 400],
  ["data/weights/bmxnet/binarized_cifar10-resnet18-64bit-0000.params", 400],
];

/** Small files that are always here: 9,650 mutations. */
const fixtures: readonly (readonly [name: string, count: number])[] = [
  ["torch-zip.pth", 1000],
  ["torch-zip-protocol4.pth", 500],
  ["torch-legacy.pth", 1000],
  ["beside-legacy-3.pth", 500],
  ["beside-legacy-4.pth", 500],
  ["beside-zip-5.pth", 500],
  ["numpy.npz", 500],
  ["numpy-compressed.npz", 150],
  ["fortran.npy", 1000],
  ["larq.tflite", 1000],
  ["keras.h5", 1500],
  ["keras-1.8.h5", 500],
  ["binary.onnx", 1000],
];

test.each(published)("%s: %i mutations", { timeout }, async (path, count) => {
  const full = shared(path);
  if (full) await mutateAndPrint(path, readFileSync(full), count);
});

test.each(fixtures)("%s: %i mutations", { timeout }, async (name, count) => {
  await mutateAndPrint(name, fixture(name), count);
});

/** Where `bytes` stand in `file`. */
function places(file: Uint8Array, bytes: Uint8Array): number[] {
  const found: number[] = [];
  const whole = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  for (let at = whole.indexOf(bytes); at >= 0; at = whole.indexOf(bytes, at + 1)) found.push(at);
  return found;
}

/** File, its folder, how its pickle begins. */
const resealed: readonly (readonly [string, string, number[]])[] = [
  ["torch-zip.pth", "torch-zip", [0x80, 2, 0x7d]],
  ["beside-zip-2.pth", "archive", [0x80, 2, 0x7d]],
  ["beside-zip-5.pth", "archive", [0x80, 5, 0x95]],
];

test.each(resealed)(
  "%s: 1,500 mutations of the pickle, its CRC made right again",
  {
    timeout,
  },
  async (fileName, folder, begin) => {
    const file = new Uint8Array(fixture(fileName));
    const start = places(file, Uint8Array.from(begin))[0];
    const name = Buffer.from("/data.pkl");
    const record = places(file, name).at(-1)! - folder.length - 46;
    const length = cursorOver(file).view.getUint32(record + 20, true);
    const pickle = file.subarray(start, start + length);
    const seals = places(file, int(crc32(pickle), 4));
    expect(seals.length).toBe(2);
    const random = seeded(13);
    let loaded = 0;
    for (let i = 0; i < 1500; i++) {
      const before = pickle.slice();
      for (let edits = 1 + random(3); edits > 0; edits--) pickle[random(length)] = random(256);
      for (const at of seals) file.set(int(crc32(pickle), 4), at);
      const outcome = await readAll(file).catch((error: unknown) => error);
      if (!(outcome instanceof Error)) loaded++;
      else if (outcome.name !== "OnebitError") throw outcome;
      pickle.set(before);
    }
    console.log(`resealed ${fileName}: ${loaded} of 1500 loaded, the rest were refused`);
  },
);
