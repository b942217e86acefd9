import type { AugmentOptions } from "../data/augment/index.js";
import type { Study, Variant } from "../study/study.js";
import { smallBnext } from "./small.js";

/** One at a time; shares and policies as trainings of photographs have them. */
const augmentations: { readonly [name: string]: AugmentOptions } = {
  none: {},
  flip: { flip: true },
  pad: { pad: 2 },
  erase: { erase: true },
  "rand-augment": { randAugment: "rand-m7-mstd0.5-inc1" },
  mixup: { mixup: 0.2 },
  cutmix: { cutmix: { probability: 0.5 } },
};

/** A binary network and its float twin, each with one augmentation or none. */
const variants: readonly Variant[] = (["binary", "real"] as const).flatMap((form) =>
  Object.entries(augmentations).map(([name, augment]) => ({
    name: `${form}-${name}`,
    overrides: { form, augment },
  })),
);

const others = Object.keys(augmentations).filter((name) => name !== "none");

/** Which augmentations help a binary network and its float twin, and which hurt one of them. */
export const augment: Study = {
  name: "augment",
  question: "Does an augmentation help a binary network as it helps its float twin?",
  source: "BNext (arXiv 2211.12933): strong augmentation over-fits binary networks",
  ...smallBnext,
  overrides: { batch: 16, microBatch: 16, augment: { flip: false }, epochs: 4 },
  seeds: 3,
  variants,
  compare: {
    pairs: (["binary", "real"] as const).flatMap((form) =>
      others.map((name) => [`${form}-none`, `${form}-${name}`] as const),
    ),
  },
  measures: ["test.top1", "gap"],
};
