import { adamDefaults } from "../../optimisers/index.js";
import type { ScheduleConfig } from "../../schedules/index.js";
import type { Recipe } from "../recipe.js";

/** A rate that falls from step to step along half a cosine: what a recipe has unless it says otherwise. */
export const cosine: ScheduleConfig = {
  kind: "cosine",
  learningRate: 1e-3,
  finalLearningRate: 0,
  warmupEpochs: 0,
  warmupLearningRate: 0,
  per: "step",
  milestones: [],
  factor: 1,
};

/** Of most recipes: binary weights from labels, nothing clipped, averaged or augmented, one stage. */
export const usual = {
  switches: {},
  side: null,
  evaluation: { crop: null, interpolation: "bilinear" },
  form: "binary",
  optimiser: adamDefaults,
  clip: null,
  averageDecay: null,
  schedule: cosine,
  temperature: { kind: "fraction", binaryAt: 0.3, decay: 0.9 },
  scalars: {},
  targets: null,
  metrics: {},
  callbacks: [],
  loss: "cross-entropy",
  teaching: { who: "all", assistants: [], teachers: [] },
  augment: {},
  fit: { batch: true, leastSteps: null },
  keep: "best",
  stages: [],
} satisfies Partial<Recipe>;
