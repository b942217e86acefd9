import type { Study } from "../study/study.js";

/** Small images of which a tenth is held back: what the studies below have in common. */
const small = {
  data: "idx:DIR",
  validation: 0.1,
} satisfies Partial<Study>;

/** Stem at half the size, five blocks, 7 million 1-bit MACs for 28x28 pixels: about 1.2 ms to train an image. */
export const smallWidths = { widths: [16, 32, 64, 64, 64, 64], stemStride: 2 } as const;

/** A small ReActNet from the labels, binary from the first step on. */
export const smallReactnet = {
  ...small,
  recipe: "plain",
  model: "reactnet",
  switches: smallWidths,
  overrides: {
    batch: 16,
    microBatch: 16,
    optimiser: { kind: "adam", weightDecay: 0 },
    schedule: { kind: "linear", learningRate: 2e-3, per: "step" },
    augment: { flip: true, pad: 2 },
  },
} satisfies Partial<Study>;

/** A small BNext from the labels. */
export const smallBnext = {
  ...small,
  recipe: "fashion-mnist",
  model: "bnext",
  switches: { ...smallWidths, seReduction: 32, latentStd: 0.05 },
  overrides: { batch: 16, microBatch: 16, augment: { flip: true, pad: 2 } },
} satisfies Partial<Study>;
