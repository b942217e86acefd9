import { crop, type Preprocess, type Rectangle, resize, toGrey } from "onebit/image";
import { exp, ln } from "../portable-math.js";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { INTERPOLATIONS, type InterpolationChoice, interpolationOf } from "./interpolation.js";
import { span, word } from "./options.js";

export type ResizedCropOptions = {
  /** Share of the area, from and to. */
  readonly scale: readonly [number, number];
  /** Width by height, from and to. */
  readonly ratio: readonly [number, number];
  readonly interpolation: InterpolationChoice;
};

/** A random part of a picture of any size, resized to what the network takes. */
export const resizedCrop: ImageAugmentation<ResizedCropOptions> = {
  of: "image",
  name: "resizedCrop",
  description:
    "a random part, resized, instead of the plain resize and crop; scale: its share of the area, ratio: width by height",
  source: "arXiv 1409.4842, section 6; drawn as timm and torchvision do",
  options: {
    scale: span([0.08, 1], 0.001, 1),
    ratio: span([3 / 4, 4 / 3], 0.01, 100),
    interpolation: word("evaluation", INTERPOLATIONS),
  },
  bare: ["scale"],
  make(options, preprocess) {
    const [height, width] = preprocess.size;
    return (image, random) => {
      const part = crop(image, randomRectangle(image, random, options));
      const interpolation = interpolationOf(options.interpolation, preprocess, random);
      const { data } = resize(part, { width, height, interpolation });
      return { data, width, height, channels: image.channels };
    };
  },
  /** Grey where that is wanted, and no more pixels than the smallest crop needs. */
  fixed({ scale: [least] }, preprocess) {
    const side = Math.ceil(Math.max(...preprocess.size) / Math.sqrt(least));
    return (image) => {
      const source = preprocess.channels === 1 ? (toGrey(image) as RawImage) : image;
      return reduced(source, side, preprocess);
    };
  },
};

/**
 * The rectangle of Inception-style training: area uniform in `scale`, ratio log-uniform in `ratio`, ten
 * tries; else the largest centred crop whose ratio is in range.
 */
export function randomRectangle(
  { width, height }: Pick<RawImage, "width" | "height">,
  random: Random,
  { scale, ratio }: Pick<ResizedCropOptions, "scale" | "ratio">,
): Rectangle {
  for (let tries = 0; tries < 10; tries++) {
    const area = width * height * random.uniform(scale[0], scale[1]);
    const aspect = exp(random.uniform(ln(ratio[0]), ln(ratio[1])));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    const top = random.integer(height - h + 1);
    const left = random.integer(width - w + 1);
    return { left, top, width: w, height: h };
  }
  const aspect = Math.min(ratio[1], Math.max(ratio[0], width / height));
  const w = Math.min(width, Math.max(1, Math.round(height * aspect)));
  const h = Math.min(height, Math.max(1, Math.round(width / aspect)));
  return {
    left: Math.floor((width - w) / 2),
    top: Math.floor((height - h) / 2),
    width: w,
    height: h,
  };
}

/** Shorter side `side`, where it is longer. */
function reduced(image: RawImage, side: number, { interpolation }: Preprocess): RawImage {
  const { width, height, channels } = image;
  const scale = side / Math.min(width, height);
  if (scale >= 1) return image;
  const size = { width: Math.round(width * scale), height: Math.round(height * scale) };
  const { data } = resize(image, { ...size, interpolation });
  return { data, ...size, channels };
}
