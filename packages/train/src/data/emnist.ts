import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { OnebitError } from "onebit";
import { readRegularFile } from "onebit/node";
import { textOf } from "./labels-file.js";
import type { MemorySplit } from "./split.js";

/**
 * EMNIST (NIST, https://www.nist.gov/itl/products-and-services/emnist-dataset) is MNIST's format with
 * two turns: images are stored column by column, and labels of the letters count from 1.
 */
export function isEmnist(prefix: string): boolean {
  return /(^|[-_.])emnist($|[-_.])/i.test(prefix);
}

/** Rows for columns, in place. */
export function transposeImages(part: MemorySplit): MemorySplit {
  const { pixels, width, height, channels } = part;
  const area = width * height * channels;
  const image = new Uint8Array(area);
  for (let start = 0; start < pixels.length; start += area) {
    image.set(pixels.subarray(start, start + area));
    for (let y = 0, i = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        for (let c = 0; c < channels; c++, i++) {
          pixels[start + (x * height + y) * channels + c] = image[i];
        }
      }
    }
  }
  return { ...part, width: height, height: width };
}

/** Labels in the order of the classes, and what these are called. */
export interface LabelNames {
  readonly labels: readonly number[];
  readonly names: readonly string[];
}

/** `emnist-letters-mapping.txt`: label, then the codes of its characters. */
export async function emnistMapping(
  folder: string,
  prefix: string,
): Promise<LabelNames | undefined> {
  const wanted = `${prefix}-mapping.txt`.toLowerCase();
  const file = (await readdir(folder)).find((name) => name.toLowerCase() === wanted);
  if (file === undefined) return undefined;
  const path = join(folder, file);
  const lines = textOf(await readRegularFile(path), path)
    .trim()
    .split(/\r?\n/);
  const rows = lines.map((line, n) => {
    const numbers = line.trim().split(/\s+/).map(Number);
    if (numbers.length >= 2 && numbers.every((x) => Number.isInteger(x) && x >= 0 && x < 0x110000))
      return numbers;
    throw new OnebitError(`${path}: line ${n + 1}: a label and codes of characters are wanted`);
  });
  const name = (codes: number[]) => codes.map((code) => String.fromCodePoint(code)).join("/");
  return {
    labels: rows.map(([label]) => label),
    names: rows.map(([, ...codes]) => name(codes)),
  };
}

/** Without a mapping: 1 to 26 are the letters. */
export function emnistLetters(prefix: string, lowest: number): LabelNames | undefined {
  if (!/letters$/i.test(prefix) || lowest !== 1) return undefined;
  const names = [..."ABCDEFGHIJKLMNOPQRSTUVWXYZ"];
  return { labels: names.map((_, k) => k + 1), names };
}
