import type { SignalLike } from "onebit";
import type { Estimator, Tensor } from "onebit/graph";
import type { Dataset, HoldOut } from "../data/index.js";
import type { OwnHooks } from "../hooks/index.js";
import type { Loss } from "../losses/index.js";
import type { TrainingBackend } from "../runtime/providers.js";
import type { Schedule } from "../schedules/index.js";
import type { TeachingOptions } from "../teachers/index.js";
import type { Best, EpochEvent, TrainEvent } from "./events.js";
import type { WaitingShares } from "./meter.js";
import type { ModelChoice } from "./network.js";
import type { Accuracy } from "./scores.js";

/** What is trained on what, and where the run is kept. */
export interface TrainOptions extends TeachingOptions, OwnHooks {
  /** Default: the recipe's. */
  readonly model?: ModelChoice;
  /** A specification such as "glyphs" or "idx:DIR", or an opened data set. */
  readonly data: string | Dataset;
  /** Folder of the run. */
  readonly out: string;
  /** Go on where the run in `out` stopped. */
  readonly resume?: boolean;
  /** Replace a run that is in `out`. Without it, and without `resume`, such a run is an error. */
  readonly overwrite?: boolean;
  /** Start from these tensors instead of random ones: a .safetensors file, a run, or tensors. */
  readonly init?: string | { readonly [key: string]: Tensor };
  /**
   * What the optimiser kept of the training that `init` comes from: a run, or what importMoments found, in a
   * file. Default: moments start at 0. Stages after the first start at 0.
   */
  readonly moments?: string;
  /**
   * true: first try every picture, and leave out (and record) those that cannot be decoded. A list:
   * leave out these. Default: the first such picture ends the training, with a list of all. A resumed
   * run leaves out what it left out before.
   */
  readonly skipBad?: boolean | readonly string[];
  readonly seed?: number;
  /**
   * Hold back so many of the training images (a share, with seed 0): `keep: "best"` chooses on them, and the
   * test images are used once, at the end. Default: none, every epoch is evaluated on the test images.
   */
  readonly validation?: number | HoldOut;
  /** Where ONNX Runtime computes steps and evaluations. Default cpu. */
  readonly backend?: TrainingBackend;
  /** Threads of ONNX Runtime; default: one per core. */
  readonly threads?: number;
  /** Threads that decode and augment; default: as the data module chooses. */
  readonly dataWorkers?: number;
  /** Images per evaluation batch. */
  readonly evaluationBatch?: number;
  /** A loss of your own instead of the recipe's. A resumed run must be given it again. */
  readonly loss?: Loss;
  /**
   * Schedules of your own, by "learningRate" or the scalar input of the network that follows them, instead
   * of the recipe's. A resumed run must be given them again.
   */
  readonly schedules?: { readonly [name: string]: Schedule };
  /** Straight-through estimators of your own, by the name that `sign` nodes give. */
  readonly estimators?: { readonly [name: string]: Estimator };
  /** Look at every layer every so many steps: see ObservationEvent. Default: never. */
  readonly observe?: { readonly every: number };
  /** Folder for an event file of TensorBoard, with the scalars of all lines of metrics.jsonl. */
  readonly tensorboard?: string;
  /** Recorded in run.json: the source revision that trained this. */
  readonly revision?: string;
  /** false: ONNX Runtime runs in the calling thread, which it blocks. */
  readonly worker?: boolean;
  readonly onEvent?: (event: TrainEvent) => void;
  /** Stops after the current step; the last checkpoint stays. */
  readonly signal?: SignalLike;
}

/** How a training ended. */
export interface TrainResult {
  readonly epochs: number;
  /**
   * Highest accuracy on the test images (held-back ones, with `validation`) among the epochs whose weights
   * were final; or of the last (`keep`).
   */
  readonly best: Best;
  /** With `validation`: of the weights that are kept, on the test images. */
  readonly test?: Accuracy;
  /** Every epoch, those before a resume included. */
  readonly history: readonly EpochEvent[];
  readonly out: string;
  /** As it was used: without pictures that were left out. */
  readonly dataset: Dataset;
  /** Float model of the best epoch (.safetensors). */
  readonly bestModel: string;
  readonly seconds: number;
  readonly imagesPerSecond: number;
  /** Of the time of this sitting's steps. */
  readonly waiting: WaitingShares;
}
