import { adamDefaults } from "../../optimisers/index.js";
import type { Recipe, RecipeStage } from "../recipe.js";
import { reactnetGroups } from "./groups.js";
import { cosine, usual } from "./usual.js";

export const reactnetPaper = "ReActNet (arXiv 2003.03488) and train.py and run.sh of its code";

/** Real weights and binary activations; only here weights decay (as L2 in the gradient). */
export const reactnetStep1: RecipeStage = {
  name: "step-1",
  overrides: { form: "step1", optimiser: { groups: reactnetGroups(1e-5) } },
};

/**
 * Both steps of ReActNet: from a teacher's probabilities, without the labels, at a rate that falls linearly
 * to 0. It is set before each epoch, so that the last runs at 0 and moves only the statistics of batch
 * normalisation. The second step begins with the first one's last weights, not its best.
 */
export const reactnetSteps = {
  ...usual,
  optimiser: { ...adamDefaults, kind: "adam", groups: reactnetGroups(0) },
  epochs: 128,
  loss: "distribution",
  stages: [reactnetStep1],
} satisfies Partial<Recipe>;

export function reactnetSchedule(learningRate: number): Recipe["schedule"] {
  return { ...cosine, kind: "linear", learningRate, per: "epoch" };
}

/** Pictures and teacher of the published trainings on ImageNet. */
export const reactnetImagenet = {
  ...reactnetSteps,
  side: 224,
  evaluation: { crop: 0.875, interpolation: "bilinear" },
  teaching: { who: "all", assistants: [], teachers: ["ResNet-34"] },
  augment: { resizedCrop: { scale: [0.08, 1] }, flip: true, lighting: { std: 0.1 } },
} satisfies Partial<Recipe>;
