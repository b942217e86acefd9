import type { Recipe } from "../recipes/index.js";
import type { TeacherRecord } from "../teachers/index.js";
import type { Observation } from "../watch/index.js";
import type { WaitingShares } from "./meter.js";
import type { Accuracy } from "./scores.js";

/** Training has been set up and begins (or goes on). */
export interface StartEvent {
  readonly event: "start";
  readonly recipe: string;
  /** Name of the earlier stage that is trained now; absent in the last one. */
  readonly stage?: string;
  readonly model: string;
  readonly parameters: number;
  readonly binaryParameters: number;
  /** Channels, height and width. */
  readonly input: readonly [number, number, number];
  readonly classes: number;
  /** In the order in which they were given, assistants first; measured on the test images. */
  readonly teachers: readonly TeacherRecord[];
  readonly trainImages: number;
  readonly testImages: number;
  /** Training images that were held back; absent: none. */
  readonly validationImages?: number;
  readonly epochs: number;
  /** Epochs that were done before (resumed run). */
  readonly epochsDone: number;
  readonly stepsPerEpoch: number;
  readonly batch: number;
  readonly microBatch: number;
  readonly threads: number;
  readonly seed: number;
  readonly out: string;
}

/** Teachers are asked about views of the images, before the first step. */
export interface ViewsEvent {
  readonly event: "views";
  readonly done: number;
  readonly of: number;
}

/** After every optimiser step. */
export interface StepEvent {
  readonly event: "step";
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  /** Over the whole training, counted from 1. */
  readonly step: number;
  readonly steps: number;
  /** Of this step. */
  readonly loss: number;
  readonly accuracy: number;
  readonly gradientNorm: number;
  /** Fraction of binary weights whose sign changed; null without binary weights. */
  readonly flipRate: number | null;
  readonly learningRate: number;
  /** null for networks without one. */
  readonly temperature: number | null;
  /** Other scalar inputs of the network, where there are any. */
  readonly scalars?: { readonly [input: string]: number };
  readonly imagesPerSecond: number;
  readonly secondsLeft: number;
}

/** After the steps that were asked for (TrainOptions.observe): what every layer looks like. */
export interface ObservationEvent extends Observation {
  readonly event: "observation";
  /** Counted from 1, as those of StepEvent. */
  readonly epoch: number;
  readonly step: number;
}

/** After every epoch, evaluated on the test images, or on those that were held back. */
export interface EpochEvent {
  readonly event: "epoch";
  /** Counted from 1. */
  readonly epoch: number;
  readonly epochs: number;
  readonly step: number;
  /** Mean over the epoch's steps, as they were computed. */
  readonly train: { readonly loss: number; readonly top1: number };
  /** On the test images; absent where images were held back. */
  readonly test?: Accuracy;
  /** On the training images that were held back; absent: none were. */
  readonly validation?: Accuracy;
  /** Whether the evaluated weights are what will be packed: false while the temperature is high. */
  readonly final: boolean;
  /** Of the evaluated network: signs, not yet quite (soft), or real, as in ReActNet's first stage. */
  readonly weights: "binary" | "soft" | "real";
  /** Mean over the epoch's steps; null without binary weights. */
  readonly flipRate: number | null;
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly temperature: number | null;
  /** Other scalar inputs of the network, where there are any. */
  readonly scalars?: { readonly [input: string]: number };
  readonly imagesPerSecond: number;
  /** Of the time of the steps; absent in runs of before it was recorded. */
  readonly waiting?: WaitingShares;
  readonly seconds: number;
  readonly secondsLeft: number;
}

/** How data were read. */
export interface NoteEvent {
  readonly event: "note";
  readonly message: string;
}

/** What may not be as it was meant: dropped images, few of a class, reinitialised tensors. */
export interface WarningEvent {
  readonly event: "warning";
  readonly message: string;
}

/** What is wrong with a training that goes on, and what to do: said once about each layer or teacher. */
export interface TrainingWarning extends WarningEvent {
  /** dead-signs, frozen-weights, saturation, slow-loader or weak-teacher. */
  readonly advice: string;
  /** Layers, paths of teachers; "" for the training. */
  readonly about: readonly string[];
  /** When it was seen; counted from 1. */
  readonly epoch: number;
  readonly step: number;
}

/** Something was written to the run's folder. */
export interface SavedEvent {
  readonly event: "saved";
  readonly what: "checkpoint" | "best";
  readonly epoch: number;
  readonly path: string;
}

/** The training is over. */
export interface DoneEvent {
  readonly event: "done";
  readonly epochs: number;
  readonly best: Best;
  /** Of the weights that are kept, where `best` is of images that were held back. */
  readonly test?: Accuracy;
  readonly keep: Recipe["keep"];
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Of the time of this sitting's steps. */
  readonly waiting: WaitingShares;
  readonly out: string;
}

/** Of the epoch whose weights are kept: the best, or the last where the recipe says so. */
export interface Best {
  readonly epoch: number;
  readonly top1: number;
}

/** What a training tells while it goes on. */
export type TrainEvent =
  | StartEvent
  | ViewsEvent
  | StepEvent
  | ObservationEvent
  | EpochEvent
  | NoteEvent
  | WarningEvent
  | TrainingWarning
  | SavedEvent
  | DoneEvent;

/** What an epoch was evaluated on, and how well it did. */
export function evaluated({ test, validation }: EpochEvent): {
  readonly part: "test" | "validation";
  readonly scores: Accuracy;
} {
  if (validation) return { part: "validation", scores: validation };
  if (test) return { part: "test", scores: test };
  throw new Error("an epoch without an evaluation");
}
