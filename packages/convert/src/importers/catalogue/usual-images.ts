import type { Preprocess } from "onebit/image";
import type { ModelEntry } from "onebit/models";
import { fitted, type InputSize } from "../preprocess.js";
import type { KnownImages } from "./catalogued.js";

interface Network {
  readonly entry: ModelEntry;
  /** What its keys say of its images. */
  readonly images?: KnownImages;
  readonly classes: number;
  readonly input: InputSize;
}

/** Sides of what the weights cannot tell: the entry's own for its classes or more, else 32. */
export function defaultSides({
  entry,
  classes,
}: Pick<Network, "entry" | "classes">): [number, number] {
  const [, height, width] = entry.input;
  return classes === entry.classes || classes >= 1000 ? [height, width] : [32, 32];
}

const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
/** As BNext's CIFAR training has them. */
const cifar = { mean: [0.507, 0.487, 0.441], std: [0.267, 0.256, 0.276] };

/**
 * The entry's published preparation for its published input size. Else the shorter side becomes the
 * input's and a square is cut out (inputs that are not square: images are stretched), with the means
 * of CIFAR for 10 or 100 classes at 32x32, ImageNet's, or grey's 0.5.
 */
export function preprocessOf({ entry, images, classes, input }: Network): Preprocess {
  const [channels, height, width] = input;
  const published = images?.preprocess ?? entry.preprocess;
  const size: [number, number] = [height, width];
  if (published && input.join() === [published.channels, ...published.size].join())
    return published;
  const isCifar = height === 32 && width === 32 && (classes === 10 || classes === 100);
  const colour = isCifar ? cifar : imagenet;
  return {
    ...fitted(size),
    ...{ channels: channels as 1 | 3, interpolation: published?.interpolation ?? "bilinear" },
    ...(channels === 1 ? { mean: [0.5], std: [0.5] } : colour),
  };
}
