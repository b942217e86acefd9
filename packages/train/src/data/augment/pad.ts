import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { whole } from "./options.js";

/** Pads by `pixels` zeros on each side and cuts the original size at a random place. */
export const pad: ImageAugmentation<{ pixels: number }> = {
  of: "image",
  name: "pad",
  description: "padded with so many black pixels on each side, then cut to its size at random",
  source: "arXiv 1512.03385, section 4.2 (CIFAR: 4)",
  options: { pixels: whole(4, 0, 1024) },
  bare: ["pixels"],
  make:
    ({ pixels }) =>
    (image, random) =>
      shifted(image, offset(pixels, random), offset(pixels, random)),
};

const offset = (pixels: number, random: Random) => random.integer(2 * pixels + 1) - pixels;

/** out(x, y) = in(x + left, y + top), zero outside. */
function shifted(image: RawImage, left: number, top: number): RawImage {
  const { width, height, channels } = image;
  const data = new Uint8Array(image.data.length);
  const x0 = Math.max(0, -left);
  const x1 = Math.min(width, width - left);
  if (x0 >= x1) return { ...image, data };
  const y1 = Math.min(height, height - top);
  for (let y = Math.max(0, -top); y < y1; y++) {
    const row = (y + top) * width + left;
    data.set(
      image.data.subarray((row + x0) * channels, (row + x1) * channels),
      (y * width + x0) * channels,
    );
  }
  return { ...image, data };
}
