import type { Preprocess, Rectangle } from "onebit/image";
import { exp, ln } from "../portable-math.js";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { number, span, whole, word } from "./options.js";

type EraseOptions = {
  readonly probability: number;
  readonly mode: "const" | "rand" | "pixel";
  readonly scale: readonly [number, number];
  readonly ratio: readonly [number, number];
  readonly count: number;
};

/**
 * Rectangles lose what is in them: to the data's mean (`const`), to one colour (`rand`) or to noise
 * (`pixel`), both normal with the data's mean and deviation. Values are rounded and cut off to 0 .. 255,
 * which timm, who erases after normalising, does not.
 */
export const erase: ImageAugmentation<EraseOptions> = {
  of: "image",
  name: "erase",
  description:
    "up to `count` rectangles of `scale` of the area together become the mean (const), one colour (rand) or noise (pixel)",
  source: "arXiv 1708.04896; drawn as timm's RandomErasing",
  options: {
    probability: number(0.25, 0, 1),
    mode: word("const", ["const", "rand", "pixel"]),
    scale: span([0.02, 1 / 3], 0, 1),
    ratio: span([0.3, 1 / 0.3], 0.01, 100),
    count: whole(1, 1, 100),
  },
  bare: ["probability"],
  make(options, preprocess) {
    return (image, random) => {
      if (!random.chance(options.probability)) return image;
      const count = 1 + random.integer(options.count);
      const out = { ...image, data: new Uint8Array(image.data) };
      for (let n = 0; n < count; n++) {
        const hole = rectangle(image, options, count, random);
        if (hole) fill(out, hole, options.mode, preprocess, random);
      }
      return out;
    };
  },
};

/** Ten tries; undefined where none is smaller than the image. */
function rectangle(
  image: RawImage,
  { scale, ratio }: EraseOptions,
  count: number,
  random: Random,
): Rectangle | undefined {
  for (let tries = 0; tries < 10; tries++) {
    const share = random.uniform(scale[0], scale[1]) / count;
    const area = share * image.width * image.height;
    const aspect = exp(random.uniform(ln(ratio[0]), ln(ratio[1])));
    const height = Math.round(Math.sqrt(area * aspect));
    const width = Math.round(Math.sqrt(area / aspect));
    if (width >= image.width || height >= image.height) continue;
    const top = random.integer(image.height - height + 1);
    const left = random.integer(image.width - width + 1);
    return { left, top, width, height };
  }
  return undefined;
}

function fill(
  { data, width, channels }: RawImage,
  hole: Rectangle,
  mode: EraseOptions["mode"],
  { mean, std }: Preprocess,
  random: Random,
): void {
  const drawn = (c: number) => byte(mean[c] + std[c] * random.normal());
  const one = mean.map((value, c) => (mode === "rand" ? drawn(c) : byte(value)));
  for (let y = hole.top; y < hole.top + hole.height; y++) {
    let i = (y * width + hole.left) * channels;
    for (let x = 0; x < hole.width; x++) {
      for (let c = 0; c < channels; c++) data[i++] = mode === "pixel" ? drawn(c) : one[c];
    }
  }
}

const byte = (share: number) => Math.min(255, Math.max(0, Math.round(255 * share)));
