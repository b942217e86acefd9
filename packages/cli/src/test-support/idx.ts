import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { randomStream } from "../../../core/src/test-support/draw.js";

export interface IdxOptions {
  readonly side?: number;
  readonly train?: number;
  readonly test?: number;
  readonly classes?: number;
}

/** An idx file: two zero bytes, type 8, rank, dimensions, bytes. */
export function idxBytes(dims: readonly number[], data: Uint8Array): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.writeUInt32BE(0x800 + dims.length, 0);
  dims.forEach((dim, i) => {
    header.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([header, data]);
}

/** Writes both files of one split. */
export async function writeIdxSplit(
  folder: string,
  split: "train" | "t10k",
  side: number,
  images: Uint8Array,
  labels: Uint8Array,
): Promise<void> {
  const dims = [labels.length, side, side];
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${split}-images-idx3-ubyte`), idxBytes(dims, images));
  await writeFile(join(folder, `${split}-labels-idx1-ubyte`), idxBytes([labels.length], labels));
}

/** Grey squares, brighter in the part of the image that belongs to their class; labels in turn. */
export async function writeIdxFolder(
  folder: string,
  { side = 8, train = 48, test = 24, classes = 4 }: IdxOptions = {},
): Promise<void> {
  const random = randomStream(side + train);
  for (const [split, count] of [
    ["train", train],
    ["t10k", test],
  ] as const) {
    const labels = Uint8Array.from({ length: count }, (_, i) => i % classes);
    const area = side * side;
    const images = Uint8Array.from({ length: count * area }, (_, p) => {
      const part = Math.floor(((p % area) * classes) / area);
      const lit = part === labels[Math.floor(p / area)];
      return (lit ? 130 : 50) + Math.floor(80 * random());
    });
    await writeIdxSplit(folder, split, side, images, labels);
  }
}
