import type { Interpolation } from "onebit/image";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import { rotation, shearX, shearY, transform, translate } from "./affine.js";
import { brightness, contrast, saturation, sharpness } from "./enhance.js";
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from "./tones.js";

/** What an operation may need besides the image. */
export interface RandContext {
  readonly random: Random;
  readonly interpolation: () => Interpolation;
  /** Outside of the image, a value per channel. */
  readonly fill: readonly number[];
}

/** One of RandAugment's operations. `level` is the magnitude / 10. */
export interface RandOperation {
  readonly name: string;
  /** How often it is chosen by policies with weights. */
  readonly weight: number;
  apply(image: RawImage, level: number, context: RandContext): RawImage;
  /** The variant that grows stronger with the level, where `apply` does not. */
  readonly increasing?: RandOperation["apply"];
}

/** timm's, in its order. */
export const RAND_OPERATIONS: readonly RandOperation[] = [
  { name: "AutoContrast", weight: 0.025, apply: autoContrast },
  { name: "Equalize", weight: 0.005, apply: equalize },
  { name: "Invert", weight: 0, apply: invert },
  {
    name: "Rotate",
    weight: 0.3,
    apply: (image, level, context) =>
      moved(image, rotation(signed(30 * level, context.random), image), context),
  },
  {
    name: "Posterize",
    weight: 0,
    apply: (image, level) => posterized(image, bitsAt(level)),
    increasing: (image, level) => posterized(image, 4 - bitsAt(level)),
  },
  {
    name: "Solarize",
    weight: 0.005,
    apply: (image, level) => solarize(image, thresholdAt(level)),
    increasing: (image, level) => solarize(image, 256 - thresholdAt(level)),
  },
  {
    name: "SolarizeAdd",
    weight: 0.005,
    apply: (image, level) => solarizeAdd(image, Math.min(128, Math.trunc(level * 110))),
  },
  enhancing("Color", 0.025, saturation),
  enhancing("Contrast", 0.005, contrast),
  enhancing("Brightness", 0.005, brightness),
  enhancing("Sharpness", 0.025, sharpness),
  {
    name: "ShearX",
    weight: 0.2,
    apply: (image, level, context) =>
      moved(image, shearX(signed(0.3 * level, context.random)), context),
  },
  {
    name: "ShearY",
    weight: 0.2,
    apply: (image, level, context) =>
      moved(image, shearY(signed(0.3 * level, context.random)), context),
  },
  {
    name: "TranslateXRel",
    weight: 0.1,
    apply: (image, level, context) =>
      moved(image, translate(image.width * signed(0.45 * level, context.random), 0), context),
  },
  {
    name: "TranslateYRel",
    weight: 0.1,
    apply: (image, level, context) =>
      moved(image, translate(0, image.height * signed(0.45 * level, context.random)), context),
  },
];

/** Factors 0.1 to 1.9; increasing: as far from 1 as the level says, either way. */
function enhancing(
  name: string,
  weight: number,
  enhance: (image: RawImage, factor: number) => RawImage,
): RandOperation {
  return {
    name,
    weight,
    apply: (image, level) => enhance(image, 1.8 * level + 0.1),
    increasing: (image, level, { random }) =>
      enhance(image, Math.max(0.1, 1 + signed(0.9 * level, random))),
  };
}

const bitsAt = (level: number) => Math.trunc(level * 4);

const posterized = (image: RawImage, bits: number) =>
  posterize(image, Math.min(8, Math.max(0, bits)));

const thresholdAt = (level: number) => Math.min(256, Math.trunc(level * 256));

const signed = (value: number, random: Random) => (random.chance(0.5) ? -value : value);

function moved(
  image: RawImage,
  matrix: Parameters<typeof transform>[1],
  { interpolation, fill }: RandContext,
): RawImage {
  return transform(image, matrix, interpolation(), fill);
}
