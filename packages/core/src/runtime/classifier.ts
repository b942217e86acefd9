/// <reference lib="esnext.disposable" preserve="true" />

import { OnebitError } from "../errors.js";
import type { Preprocess } from "../image/index.js";
import type { Program } from "../program/types.js";
import { checkOptions, type OptionChecks } from "./check-options.js";
import { type ImageInput, listImages } from "./image-input.js";
import type { Model, ModelInfo, ModelInputs, ModelOutputs, RunOptions } from "./model.js";
import type { RunImages } from "./run-images.js";
import type { StreamOptions, VideoElementLike } from "./stream.js";
import type { TensorInput } from "./tensor-input.js";
import { checkTop, type Prediction, topPredictions } from "./top.js";

/** What a classifier's file says of it. */
export interface ClassifierInfo extends ModelInfo {
  /** What the network takes, channels first. */
  readonly input: { readonly channels: number; readonly height: number; readonly width: number };
  readonly classes: number;
  readonly labels?: readonly string[];
  readonly preprocess?: Preprocess;
}

/** What classify() gives. */
export interface ClassifyOptions {
  /** How many classes to name, likeliest first. Default: 5, or all where there are fewer. */
  readonly top?: number;
  /**
   * The images are given away: where the model runs in a worker, the memory of ImageBitmaps, VideoFrames and
   * pixels moves there instead of being copied, and they cannot be used any more. Default: false.
   */
  readonly transfer?: boolean;
}

/** A model with an output "logits" [N, classes], which takes photographs. */
export interface Classifier extends Model {
  readonly info: ClassifierInfo;

  /**
   * The likeliest classes of one image, or of each of several.
   *
   * UsageError, naming what is wanted, where something is no image; OnebitError where a picture of the
   * page cannot be read: not loaded yet, broken, of another origin.
   */
  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: Iterable<ImageInput>, options?: ClassifyOptions): Promise<Prediction[][]>;

  /**
   * The likeliest classes of a playing <video>, such as a camera's, frame by frame; frames that come while one
   * is classified, or before the caller asks for the next, are dropped. It ends with the video, waits while
   * that is paused or the page hidden, and throws the signal's reason once it is aborted.
   *
   *   for await (const [best] of model.stream(video, { fps: 10, top: 1 })) show(best.label);
   *
   * OnebitError where the video fails, or its camera stops; UsageError where it is no video.
   */
  stream(
    video: VideoElementLike,
    options?: StreamOptions,
  ): AsyncGenerator<Prediction[], void, void>;

  /** As of Model, of images that are normalised already. Default: logits. */
  run<Name extends string = "logits">(
    inputs: ModelInputs,
    options?: RunOptions<Name>,
  ): Promise<ModelOutputs<Name>>;

  /**
   * Every output: "logits" and "features" (the pooled vector), [N, C], and the feature maps
   * "stage-<stride>", [N, C, H, W]. Of a photograph, or of normalised images [N, C, H, W]. Errors as
   * of classify() and run().
   */
  features(input: ImageInput | TensorInput): Promise<ModelOutputs>;
}

/** What a file says of images besides its program. */
export interface ImageFacts {
  readonly labels?: readonly string[];
  readonly preprocess?: Preprocess;
}

export const LOGITS = "logits";

/** OnebitError unless a program says one number per class. */
export function checkClassifies({ values, outputs }: Program): void {
  const advice = "it is not a classifier; loadModel() runs any program";
  if (!Object.hasOwn(outputs, LOGITS)) {
    const there = Object.keys(outputs).map((name) => `"${name}"`);
    throw new OnebitError(
      `this program has no output "logits", but ${there.join(", ")}: ${advice}`,
    );
  }
  const { kind, shape } = values[outputs[LOGITS]];
  if (kind === "vector") return;
  const [height, width] = shape;
  throw new OnebitError(`the output "logits" is a map of ${height}x${width} pixels: ${advice}`);
}

/** Everything about images, on top of a model whose run() gives logits. */
export class ImageClassifier implements Classifier {
  readonly info: ClassifierInfo;
  readonly #model: Model;
  readonly #runImages: RunImages;

  constructor(model: Model, { labels, preprocess }: ImageFacts, runImages: RunImages) {
    const { info, outputs } = model;
    const [{ shape }] = Object.values(model.inputs);
    const [channels, height = 1, width = 1] = shape;
    const [classes] = outputs[LOGITS].shape;
    this.#model = model;
    this.#runImages = runImages;
    this.info = {
      ...{ input: { channels, height, width }, classes, labels, preprocess },
      ...{ card: info.card, backends: info.backends, maps: info.maps },
      get cost() {
        return info.cost;
      },
    };
  }

  classify(image: ImageInput, options?: ClassifyOptions): Promise<Prediction[]>;
  classify(images: Iterable<ImageInput>, options?: ClassifyOptions): Promise<Prediction[][]>;
  async classify(
    images: ImageInput | Iterable<ImageInput>,
    options: ClassifyOptions = {},
  ): Promise<Prediction[] | Prediction[][]> {
    checkOptions("classify", options, CLASSIFY_OPTIONS);
    const { top = 5, transfer } = options;
    const given = listImages(images);
    const { list, single } = given;
    const preprocess = this.#howToPrepare();
    if (list.length === 0) return [];
    const { logits } = await this.#runImages({ ...given, transfer }, preprocess, [LOGITS]);
    const { data } = logits;
    const { classes, labels } = this.info;
    const predictions = list.map((_, n) =>
      topPredictions(data.subarray(n * classes, (n + 1) * classes), top, labels),
    );
    return single ? predictions[0] : predictions;
  }

  run<Name extends string = "logits">(
    inputs: ModelInputs,
    options?: RunOptions<Name>,
  ): Promise<ModelOutputs<Name>> {
    return this.#model.run(inputs, options);
  }

  async features(input: ImageInput | TensorInput): Promise<ModelOutputs> {
    const outputs = Object.keys(this.outputs);
    if (isTensor(input)) return this.#model.run(input, { outputs });
    return this.#runImages({ list: [input], single: true }, this.#howToPrepare(), outputs);
  }

  async *stream(
    video: VideoElementLike,
    options: StreamOptions = {},
  ): AsyncGenerator<Prediction[], void, void> {
    const { framesOf } = await import("./on-request.js");
    const { top } = options;
    for await (const frame of framesOf(video, options)) {
      yield await this.classify(frame, { top, transfer: true });
    }
  }

  get inputs() {
    return this.#model.inputs;
  }

  get outputs() {
    return this.#model.outputs;
  }

  get program() {
    return this.#model.program;
  }

  get backend() {
    return this.#model.backend;
  }

  get backendReasons() {
    return this.#model.backendReasons;
  }

  profile() {
    return this.#model.profile();
  }

  ready() {
    return this.#model.ready();
  }

  get threads() {
    return this.#model.threads;
  }

  get threadsReason() {
    return this.#model.threadsReason;
  }

  get workerReason() {
    return this.#model.workerReason;
  }

  get arenaBytes() {
    return this.#model.arenaBytes;
  }

  dispose(): void {
    this.#model.dispose();
  }

  [Symbol.dispose](): void {
    this.dispose();
  }

  #howToPrepare(): Preprocess {
    const { preprocess } = this.info;
    if (preprocess) return preprocess;
    throw new OnebitError(
      "this model does not say how images are to be prepared: give writeOnebit() a preprocess, or normalised tensors to run()",
    );
  }
}

const CLASSIFY_OPTIONS: OptionChecks<ClassifyOptions> = {
  top: checkTop,
  transfer: (transfer) => typeof transfer === "boolean" || "true or false",
};

function isTensor(input: unknown): input is TensorInput {
  return typeof input === "object" && input !== null && "shape" in input;
}
