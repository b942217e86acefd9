import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { ImageAugmentation } from "./augmentation.js";
import { brightness, contrast, saturation } from "./enhance.js";
import { shiftHue } from "./hue.js";
import { number } from "./options.js";

type ColourOptions = {
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  readonly hue: number;
};

/**
 * Other light: brightness, contrast and saturation by a factor uniform in [max(0, 1 - strength),
 * 1 + strength], hue by a share of the circle uniform in [-strength, strength], in random order.
 */
export const colour: ImageAugmentation<ColourOptions> = {
  of: "image",
  name: "colour",
  description:
    "other brightness, contrast and saturation, by up to this share, and other hue, by up to this share of the circle",
  source: "torchvision's ColorJitter, 0.4 as in timm",
  options: {
    brightness: number(0.4, 0, 10),
    contrast: number(0.4, 0, 10),
    saturation: number(0.4, 0, 10),
    hue: number(0, 0, 0.5),
  },
  bare: ["brightness", "contrast", "saturation"],
  make(options) {
    const steps = STEPS.filter(([name]) => options[name] > 0);
    return (image, random) => {
      const order = random.shuffle([...steps]);
      return order.reduce((seen, [name, change]) => change(seen, options[name], random), image);
    };
  },
};

type Step = (image: RawImage, strength: number, random: Random) => RawImage;

const factor = (strength: number, random: Random) =>
  random.uniform(Math.max(0, 1 - strength), 1 + strength);

const STEPS: readonly [keyof ColourOptions, Step][] = [
  ["brightness", (image, strength, random) => brightness(image, factor(strength, random))],
  ["contrast", (image, strength, random) => contrast(image, factor(strength, random))],
  ["saturation", (image, strength, random) => saturation(image, factor(strength, random))],
  ["hue", (image, strength, random) => shiftHue(image, random.uniform(-strength, strength))],
];
