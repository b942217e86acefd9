import { type Recipe, trainingPreprocess } from "@onebit/train";
import {
  type AugmentOptions,
  batches,
  type Dataset,
  type RawImage,
  type Split,
} from "@onebit/train/data";
import { UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { firstOfClass, loadSharp, MOST_CLASSES, png, TILE } from "./contact-sheet.js";

/** Of each class so many pictures, each as in evaluation and then in so many views. */
const PICTURES = 2;
const VIEWS = 5;
const NAME_WIDTH = 3 * TILE;

interface Tile {
  readonly image: RawImage;
  readonly row: number;
  readonly column: number;
}

/**
 * A PNG of what the network sees in training, one row per class: its name, then pictures, each as it
 * is evaluated and as several epochs show it. Made by the loader itself; all pictures are one batch.
 */
export async function augmentedSheet(dataset: Dataset, recipe: Recipe): Promise<Buffer> {
  const shown = dataset.classes.slice(0, MOST_CLASSES);
  const chosen = shown.flatMap((_, row) =>
    firstOfClass(dataset.train, row, PICTURES).map((index, n) => ({ index, row, n })),
  );
  if (!chosen.length) throw new UsageError(`${dataset.spec}: has no picture to train on`);
  const preprocess = trainingPreprocess(dataset, recipe);
  const indices = chosen.map(({ index }) => index);
  const tiles: Tile[] = [];
  for (let view = -1; view < VIEWS; view++) {
    const augment = view < 0 ? undefined : recipe.augment;
    const images = await prepared(dataset, indices, preprocess, Math.max(0, view), augment);
    for (const [k, { row, n }] of chosen.entries()) {
      tiles.push({ image: images[k], row, column: n * (VIEWS + 1) + view + 1 });
    }
  }
  return drawn(shown, tiles);
}

/** As the loader gives them to the network, made pixels again. */
async function prepared(
  dataset: Dataset,
  indices: readonly number[],
  preprocess: Preprocess,
  epoch: number,
  augment: AugmentOptions | undefined,
): Promise<RawImage[]> {
  const { train } = dataset;
  const some: Split = {
    length: indices.length,
    label: (i) => train.label(indices[i]),
    image: (i) => train.image(indices[i]),
    source: (i) => train.source(indices[i]),
  };
  const stream = batches(
    { ...dataset, train: some },
    { split: "train", batch: indices.length, preprocess, augment, epoch, shuffle: false },
  );
  for await (const { images } of stream) {
    const stride = images.length / indices.length;
    return indices.map((_, k) => pixels(images.subarray(k * stride, (k + 1) * stride), preprocess));
  }
  return [];
}

/** planes: [C, H, W], normalised. */
function pixels(planes: Float32Array, { size, channels, mean, std }: Preprocess): RawImage {
  const [height, width] = size;
  const data = new Uint8ClampedArray(planes.length);
  for (let c = 0; c < channels; c++) {
    for (let p = 0; p < height * width; p++) {
      data[p * channels + c] = Math.round(
        255 * (planes[c * height * width + p] * std[c] + mean[c]),
      );
    }
  }
  return { data: new Uint8Array(data.buffer), width, height, channels };
}

async function drawn(names: readonly string[], tiles: readonly Tile[]): Promise<Buffer> {
  const sharp = await loadSharp();
  const width = NAME_WIDTH + PICTURES * (VIEWS + 1) * TILE;
  const height = names.length * TILE;
  const pictures = await Promise.all(
    tiles.map(async ({ image, row, column }) => ({
      input: await png(image, TILE),
      left: NAME_WIDTH + column * TILE,
      top: row * TILE,
    })),
  );
  const labels = { input: Buffer.from(nameColumn(names)), left: 0, top: 0 };
  return sharp({ create: { width, height, channels: 3, background: "#fff" } })
    .composite([labels, ...pictures])
    .png()
    .toBuffer();
}

/** SVG. */
function nameColumn(names: readonly string[]): string {
  const lines = names.map((name, row) => {
    const y = row * TILE + TILE / 2 + 6;
    return `<text x="8" y="${y}">${escaped(name.length > 20 ? `${name.slice(0, 19)}…` : name)}</text>`;
  });
  const style = 'font-family="sans-serif" font-size="16"';
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${NAME_WIDTH}" height="${names.length * TILE}" ${style}>${lines.join("")}</svg>`;
}

function escaped(text: string): string {
  return text
    .replace(/\p{Cc}/gu, " ")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;");
}
