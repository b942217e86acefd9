import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { FloatModel } from "onebit/models";
import sharp from "sharp";
import { linearNetwork } from "./networks.js";

const COLOURS: { readonly [name: string]: readonly [number, number, number] } = {
  red: [1, 0, 0],
  green: [0, 1, 0],
  blue: [0, 0, 1],
};

/** A network that tells red, green and blue pictures apart: class k is the colour `order[k]`. */
export function colourNetwork(
  order: readonly string[],
  labels: readonly string[] = order,
): FloatModel {
  const weight = (k: number, i: number) => COLOURS[order[k]][Math.floor(i / 16)];
  return linearNetwork({ classes: order.length, input: [3, 4, 4] }, labels, weight);
}

export function colourPicture(colour: string): Promise<Buffer> {
  const [r, g, b] = COLOURS[colour].map((x) => 60 + 150 * x);
  const create = { width: 6, height: 5, channels: 3, background: { r, g, b } } as const;
  return sharp({ create }).png().toBuffer();
}

/** FOLDER/PART/CLASS/0.png, ...; `classes` says which colour a class has, where not its name. */
export async function writeColours(
  folder: string,
  classes: { readonly [name: string]: string },
  count = 2,
): Promise<void> {
  for (const [name, colour] of Object.entries(classes)) {
    const picture = await colourPicture(colour);
    for (const part of ["train", "test"]) {
      await mkdir(join(folder, part, name), { recursive: true });
      for (let i = 0; i < count; i++)
        await writeFile(join(folder, part, name, `${i}.png`), picture);
    }
  }
}
