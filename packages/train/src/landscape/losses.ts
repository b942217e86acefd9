import { OnebitError } from "onebit";
import type { Graph } from "onebit/graph";
import { type FloatModel, floatModelGraph } from "onebit/models";
import { batches, type Dataset, matchClasses } from "../data/index.js";
import type { Tensors } from "../run/float-model.js";
import { Scoreboard } from "../run/scores.js";
import { onnxScorer } from "./onnx-scorer.js";
import { packedScorer } from "./packed-scorer.js";

/** Mean cross-entropy and top-1 on the chosen images; the loss is null where it is not finite. */
export interface LossAt {
  readonly loss: number | null;
  readonly top1: number;
}

/** A network whose loss can be had with any values of its tensors. Dispose of it. */
export interface Losses {
  readonly engine: string;
  readonly notes: readonly string[];
  at(tensors: Tensors): Promise<LossAt>;
  dispose(): Promise<void>;
}

/** Logits [N, classes] of batches with the tensors that were set. */
export interface Scorer {
  readonly engine: string;
  /** Why it is not another one. */
  readonly notes: readonly string[];
  set(tensors: Tensors): Promise<void>;
  /** images: [N, C, H, W]. */
  logits(images: Float32Array, shape: readonly number[]): Promise<Float32Array>;
  dispose(): Promise<void>;
}

const BATCH = 50;

/**
 * The loss on training images, in evaluation mode: with the packed network where the weights are binary, else with
 * ONNX Runtime. OnebitError for a network that scores no classes, or others than the data have.
 */
export async function openLosses(
  name: string,
  model: FloatModel,
  dataset: Dataset,
  threads: number,
): Promise<Losses> {
  const whole = floatModelGraph(model);
  const { logits } = whole.outputs;
  const input = whole.inputs.find((input) => input.name === "x")?.shape ?? [];
  if (logits === undefined || input.length !== 4) {
    throw new OnebitError(`${name}: scores no images: a landscape is that of a classifier`);
  }
  const graph: Graph = { ...whole, outputs: { logits } };
  const classes = model.labels.length;
  const match = matchClasses({ classes, labels: model.labels }, dataset);
  const seen = await labelled(model, dataset, match.numbers);
  const scorer =
    (await packedScorer(graph, model.tensors, threads)) ??
    (await onnxScorer(graph, model.tensors, { threads, batch: seen.batch }));
  return {
    engine: scorer.engine,
    notes: [...match.notes, ...scorer.notes],
    async at(tensors) {
      await scorer.set(tensors);
      const board = new Scoreboard(classes);
      for (const { images, labels } of seen.batches) {
        const scores = await scorer.logits(images, [seen.batch, ...input.slice(1)]);
        board.add(scores.subarray(0, labels.length * classes), labels);
      }
      const { loss, top1 } = board.accuracy();
      return { loss: Number.isFinite(loss) ? loss : null, top1 };
    },
    dispose: () => scorer.dispose(),
  };
}

/** All training images of a data set, prepared for a network; the last batch is filled up with zeros. */
async function labelled({ preprocess }: FloatModel, dataset: Dataset, numbers: readonly number[]) {
  const batch = Math.min(BATCH, dataset.train.length);
  const order = { shuffle: false, dropLast: false };
  const stream = batches(dataset, { split: "train", batch, preprocess, ...order });
  const all: { images: Float32Array; labels: Int32Array }[] = [];
  for await (const { images, labels, count } of stream) {
    all.push({ images, labels: labels.subarray(0, count).map((label) => numbers[label]) });
  }
  return { batch, batches: all };
}
