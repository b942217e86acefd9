import type { Interpolation } from "onebit/image";
import type { Form, Switches } from "onebit/models";
import type { AugmentOptions } from "../data/augment/index.js";
import type { OptimiserConfig } from "../optimisers/index.js";
import type { ScheduleConfig, TemperatureConfig } from "../schedules/index.js";

/** How a network is trained. Plain data, recorded in the run; every field can be overridden. */
export interface Recipe {
  readonly name: string;
  readonly description: string;
  /** Where the values come from. */
  readonly source: string;
  /** Architecture that is trained where the caller names none. */
  readonly model: string;
  /** Switches of that architecture. */
  readonly switches: Switches;
  /** Height and width that it takes of photographs; null: what is usual for it. */
  readonly side: number | null;
  /** How pictures are evaluated, and prepared where augmentation does not; default: as usual for the data. */
  readonly evaluation?: EvaluationConfig;
  readonly form: Form;
  readonly epochs: number;
  /** Images per optimiser step. */
  readonly batch: number;
  /**
   * Images that one replica computes at once, a divisor of `batch`; null: all of them. Several
   * micro-batches of a step run side by side, as on several GPUs, while there are threads.
   */
  readonly microBatch: number | null;
  readonly optimiser: OptimiserConfig;
  /** Largest global norm of the gradient; null for no clipping. */
  readonly clip: number | null;
  /** Decay of the running average of the weights, which is then what is evaluated; null for none. */
  readonly averageDecay: number | null;
  readonly schedule: ScheduleConfig;
  /** Used by networks with a temperature (BNext). */
  readonly temperature: TemperatureConfig;
  /** Modules whose default export is a Schedule, by the scalar input of the network that follows it. */
  readonly scalars?: { readonly [input: string]: string };
  /** A module whose default export is a Targets; null: the labels. */
  readonly targets?: string | null;
  /** Modules whose default export is a Metric, by its name. */
  readonly metrics?: { readonly [name: string]: string };
  /** Modules whose default export is a Callback. */
  readonly callbacks?: readonly string[];
  /** In words, such as "cross-entropy(smoothing=0.1)": see parseLoss. */
  readonly loss: string;
  /** Who teaches, where the loss asks for it; default: whoever is given. */
  readonly teaching?: TeachingConfig;
  /** Of training images; what is not named is off: see AUGMENTATIONS. */
  readonly augment: AugmentOptions;
  /** How batch and epochs follow the number of training images. */
  readonly fit: FitConfig;
  /** Which epoch's weights are kept: the best on the test images, or the last. */
  readonly keep: "best" | "last";
  /** Trained before, in this order, each starting from the one before. */
  readonly stages: readonly RecipeStage[];
}

/** What an evaluated picture goes through. */
export interface EvaluationConfig {
  /**
   * Share of the shorter side that the centre crop leaves of a picture larger than the network's input, as
   * timm's crop_pct: 0.95 of 224 pixels resizes to 235. null: 7/8. Images all of one size that a data set's
   * format gives them are seen whole.
   */
  readonly crop: number | null;
  readonly interpolation: Interpolation;
}

/** Who teaches. */
export interface TeachingConfig {
  /** Which of the given teach here: a stage may learn from only some. */
  readonly who: "all" | "assistants" | "teachers";
  /** Who did so where the values come from, weak to strong. */
  readonly assistants: readonly string[];
  readonly teachers: readonly string[];
}

export interface FitConfig {
  /** Whether the batch is lowered where the images do not fill it. */
  readonly batch: boolean;
  /** Epochs are raised to so many steps; null: never. */
  readonly leastSteps: number | null;
}

/** An earlier training: the recipe with some fields replaced. */
export interface RecipeStage {
  readonly name: string;
  readonly overrides: RecipeOverrides;
}

/** Fields of a recipe that take the place of its own, at any depth. */
export type RecipeOverrides = DeepPartial<Omit<Recipe, "stages" | "augment">> & {
  readonly augment?: AugmentOptions;
  readonly stages?: readonly RecipeStage[];
};

type DeepPartial<T> = T extends readonly unknown[]
  ? T
  : T extends object
    ? { readonly [K in keyof T]?: DeepPartial<T[K]> }
    : T;
