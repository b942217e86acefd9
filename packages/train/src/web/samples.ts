import { normalize, type Preprocess } from "onebit/image";
import { augmenter } from "../data/augment/augmenter.js";
import type { AugmentOptions } from "../data/augment/index.js";
import type { Example } from "./examples.js";
import type { Samples } from "./network.js";

/** Pictures as a network takes them, changed a little each time that training sees them. */
export function pictureSamples(
  examples: readonly Example[],
  preprocess: Preprocess,
  augment: AugmentOptions = {},
): Samples {
  const { fixed, varied } = augmenter(preprocess, augment);
  const ready = examples.map(({ image }) => fixed(image));
  return {
    length: examples.length,
    label: (i) => examples[i].label,
    write: (i, to, random) =>
      normalize(random ? varied(ready[i], random) : ready[i], preprocess, to),
  };
}

/** What another network makes of pictures. */
export function featureSamples(
  examples: readonly Example[],
  features: readonly Float32Array[],
): Samples {
  return {
    length: examples.length,
    label: (i) => examples[i].label,
    write: (i, to) => to.set(features[i]),
  };
}
