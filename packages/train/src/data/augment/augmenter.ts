import { fit, type Preprocess } from "onebit/image";
import type { Random } from "../random.js";
import type { RawImage } from "../split.js";
import type { BatchAugmentation, ImageAugmentation, Mix } from "./augmentation.js";
import { AUGMENTATIONS } from "./catalogue.js";
import { type AugmentOptions, resolveAugment } from "./settings.js";

/** What the augmentations of a recipe do, to images of the network's size before normalisation. */
export interface Augmenter {
  /** What is the same every time: the plain resize and crop, or what a random crop starts from. */
  fixed(image: RawImage): RawImage;
  /** The rest, another one every time. */
  varied(fixed: RawImage, random: Random): RawImage;
  /** How a batch is mixed; undefined: not at all. */
  drawMix(random: Random): Mix | undefined;
}

/** augment: absent for evaluation. */
export function augmenter(preprocess: Preprocess, augment: AugmentOptions = {}): Augmenter {
  const choice = resolveAugment(augment);
  const on = AUGMENTATIONS.filter(({ name }) => Object.hasOwn(choice, name));
  const images = on.filter((kind): kind is ImageAugmentation => kind.of === "image");
  const batches = on.filter((kind): kind is BatchAugmentation => kind.of === "batch");
  const [fixed] = images.flatMap((kind) => kind.fixed?.(choice[kind.name], preprocess) ?? []);
  const steps = images.map((kind) => kind.make(choice[kind.name], preprocess));
  return {
    fixed: fixed ?? ((image) => fit(image, preprocess) as RawImage),
    varied: (image, random) =>
      steps.reduce((seen, step) => step(seen, random), withChannels(image, preprocess)),
    drawMix(random) {
      let kind: BatchAugmentation | undefined;
      for (const next of batches) {
        if (!kind || random.chance(choice[next.name].switch as number)) kind = next;
      }
      return kind?.draw(choice[kind.name], random, preprocess.size);
    },
  };
}

/** Grey pictures among coloured ones become coloured too: what is done to colours is done to them. */
function withChannels(image: RawImage, { channels }: Preprocess): RawImage {
  if (image.channels === channels || channels === 1) return image;
  const data = new Uint8Array(image.data.length * 3);
  for (let i = 0; i < image.data.length; i++) data.fill(image.data[i], 3 * i, 3 * i + 3);
  return { ...image, data, channels };
}

/** An image of the network's size, before normalisation. Without `random` as in evaluation. */
export function prepare(
  image: RawImage,
  preprocess: Preprocess,
  augment: AugmentOptions = {},
  random?: Random,
): RawImage {
  const { fixed, varied } = augmenter(preprocess, random ? augment : undefined);
  return random ? varied(fixed(image), random) : fixed(image);
}
