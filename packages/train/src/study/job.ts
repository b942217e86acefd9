import type { Recipe } from "../recipes/index.js";
import type { TrainOptions } from "../run/options.js";

/** A training that a process of its own does. */
export interface Job {
  readonly priority: Priority;
  readonly recipe: Recipe;
  readonly data: StudyImages;
  readonly options: Pick<
    TrainOptions,
    | "out"
    | "validation"
    | "seed"
    | "threads"
    | "backend"
    | "observe"
    | "teachers"
    | "assistants"
    | "teacherViews"
    | "revision"
  >;
}

/** low: whatever else the machine has to do comes first, and may leave it nothing. */
export type Priority = "low" | "normal";

/** Which images of a data set. */
export interface StudyImages {
  readonly spec: string;
  readonly trainImages?: number;
  readonly testImages?: number;
}

/** What a process is told. */
export type Order = { readonly order: "train"; readonly job: Job } | { readonly order: "stop" };

/** That an epoch is done. */
export interface EpochNews {
  readonly epoch: number;
  readonly epochs: number;
  /** Of an earlier stage: its name. */
  readonly stage?: string;
  /** On the images that were held back. */
  readonly top1: number;
  readonly secondsLeft: number;
}

/** What a process tells. */
export type Told =
  | { readonly told: "epoch"; readonly news: EpochNews }
  | { readonly told: "done" }
  | { readonly told: "stopped" }
  | { readonly told: "failed"; readonly message: string; readonly isDiskFull: boolean };
