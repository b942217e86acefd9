import type { TrainOptions } from "../run/options.js";
import type { Recipe } from "../recipes/index.js";

/** A training that a process of its own does. */
export interface Job {
  readonly recipe: Recipe;
  readonly data: StudyImages;
  readonly options: Pick<
    TrainOptions,
    | "out"
    | "validation"
    | "seed"
    | "threads"
    | "teachers"
    | "assistants"
    | "teacherViews"
    | "revision"
  >;
}

/** Which images of a data set. */
export interface StudyImages {
  readonly spec: string;
  readonly trainImages?: number;
  readonly testImages?: number;
}

/** What a process is told. */
export type Order = { readonly order: "train"; readonly job: Job } | { readonly order: "stop" };

/** What a process tells. */
export type Told =
  | {
      readonly told: "epoch";
      readonly epoch: number;
      readonly epochs: number;
      /** Of an earlier stage: its name. */
      readonly stage?: string;
      /** On the images that were held back. */
      readonly top1: number;
      readonly secondsLeft: number;
    }
  | { readonly told: "done" }
  | { readonly told: "stopped" }
  | { readonly told: "failed"; readonly message: string; readonly isDiskFull: boolean };
