import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { number } from "./options.js";

export const flip: ImageAugmentation<{ probability: number; vertical: number }> = {
  of: "image",
  name: "flip",
  description:
    "mirrored left to right with this probability; vertical: that of top and bottom changing places",
  source: "usual",
  options: { probability: number(0.5, 0, 1), vertical: number(0, 0, 1) },
  bare: ["probability"],
  make:
    ({ probability, vertical }) =>
    (image, random) => {
      const mirrored = random.chance(probability) ? flipHorizontally(image) : image;
      return vertical > 0 && random.chance(vertical) ? flipVertically(mirrored) : mirrored;
    },
};

/** Left becomes right. */
export function flipHorizontally(image: RawImage): RawImage {
  const { width, height, channels } = image;
  const data = new Uint8Array(image.data.length);
  let o = 0;
  for (let y = 0; y < height; y++) {
    for (let x = width - 1; x >= 0; x--) {
      let i = (y * width + x) * channels;
      for (let c = 0; c < channels; c++) data[o++] = image.data[i++];
    }
  }
  return { ...image, data };
}

/** Top becomes bottom. */
export function flipVertically(image: RawImage): RawImage {
  const { width, height, channels } = image;
  const row = width * channels;
  const data = new Uint8Array(image.data.length);
  for (let y = 0; y < height; y++) {
    data.set(image.data.subarray(y * row, (y + 1) * row), (height - 1 - y) * row);
  }
  return { ...image, data };
}
