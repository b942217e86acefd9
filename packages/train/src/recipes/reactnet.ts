import { adamDefaults } from "../optimisers/index.js";
import { reactnetGroups } from "./groups.js";
import type { Recipe } from "./recipe.js";

/**
 * ReActNet's two steps: first real weights with binary activations, then, from the last state of
 * that, binary weights too and no weight decay. Both decay the rate linearly; the last epoch runs
 * at rate 0 and only moves the statistics of batch normalisation.
 *
 * The published training learns from a ResNet-34's probabilities; this one from the labels.
 */
export const reactnet: Recipe = {
  name: "reactnet",
  description: "ReActNet in two steps: Adam, linear schedule, 128 epochs each",
  source: "ReActNet (arXiv 2003.03488) and the run.sh of its code",
  model: "reactnet-a",
  switches: {},
  side: null,
  form: "binary",
  epochs: 128,
  batch: 256,
  microBatch: 64,
  optimiser: { ...adamDefaults, kind: "adam", groups: reactnetGroups(0) },
  clip: null,
  averageDecay: null,
  schedule: {
    kind: "linear",
    learningRate: 1.25e-3,
    finalLearningRate: 0,
    warmupEpochs: 0,
    warmupLearningRate: 0,
    per: "epoch",
    milestones: [],
    factor: 1,
  },
  temperature: { kind: "fraction", binaryAt: 0.3, decay: 0.9 },
  loss: "cross-entropy",
  augment: { resizedCrop: true, flip: true, lighting: true },
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [
    {
      name: "step-1",
      overrides: { form: "step1", optimiser: { groups: reactnetGroups(1e-5) } },
    },
  ],
};
