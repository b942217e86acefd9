import type { Dataset, RawImage, Split } from "@onebit/train/data";
import { loadDecoder } from "onebit/images";

export const TILE = 64;
export const MOST_CLASSES = 40;
const COLUMNS = 12;

/** A PNG with one row of pictures per class: training pictures, where there are any. */
export async function contactSheet(dataset: Dataset): Promise<Buffer> {
  const rows = dataset.classes.slice(0, MOST_CLASSES);
  const split = dataset.train.length > 0 ? dataset.train : dataset.test;
  const tiles: { input: Buffer; left: number; top: number }[] = [];
  for (const [row] of rows.entries()) {
    for (const [column, index] of firstOfClass(split, row, COLUMNS).entries()) {
      const input = await png(await split.image(index), TILE);
      tiles.push({ input, left: column * TILE, top: row * TILE });
    }
  }
  const sharp = await loadSharp();
  const size = { width: COLUMNS * TILE, height: rows.length * TILE, channels: 3 } as const;
  return sharp({ create: { ...size, background: "#fff" } })
    .composite(tiles)
    .png()
    .toBuffer();
}

export function firstOfClass(split: Split, label: number, count: number): number[] {
  const found: number[] = [];
  for (let i = 0; i < split.length && found.length < count; i++) {
    if (split.label(i) === label) found.push(i);
  }
  return found;
}

/** A square PNG of a picture, pixels kept sharp. */
export async function png(
  { data, width, height, channels }: RawImage,
  side: number,
): Promise<Buffer> {
  const sharp = await loadSharp();
  return sharp(data, { raw: { width, height, channels } })
    .resize(side, side, { kernel: "nearest", fit: "contain", background: "#fff" })
    .png()
    .toBuffer();
}

/** Only where a picture is drawn; NoDecoder where it is missing. */
export async function loadSharp() {
  return (await loadDecoder(() => import("sharp"))).default;
}
