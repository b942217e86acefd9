import { loadModel, OnebitError, type SignalLike } from "onebit";
import { type OnebitFile, readOnebit, writeOnebit } from "onebit/file";
import { preprocess } from "onebit/image";
import { bnext } from "onebit/models";
import { type Packed, pack } from "onebit/pack";
import type { Program, ValueId } from "onebit/program";
import { breath } from "../retrain/breath.js";
import { headless, withFittedHead } from "../retrain/head.js";
import { CUT, joinPrograms, type Trunk, trunkOf } from "../retrain/join-programs.js";
import type { TrainingRuntime } from "../runtime/types.js";
import type { Example, Examples } from "./examples.js";
import { type TrainingOptions, trainNetwork } from "./network.js";
import { featureSamples } from "./samples.js";
import { finished, type Trained } from "./trained.js";

/** How the classifier of a packed network is made anew. */
export interface RetrainHeadOptions {
  /** The share of each class that is not trained on. Default: 0.2. */
  readonly heldBack?: number;
  /** Of what is held back. Default: 0. */
  readonly seed?: number;
  readonly signal?: SignalLike;
}

/**
 * A packed network with another classifier, for the classes of the examples: all before it stays as it is and
 * runs packed, the classifier is fitted to what it sees by logistic regression. Takes seconds, and no ONNX Runtime.
 *
 * bytes: a `.onebit` file that says how pictures are prepared and ends in a linear layer, else OnebitError.
 * UsageError where examples are missing.
 */
export async function retrainHead(
  bytes: Uint8Array,
  examples: Examples,
  { heldBack = 0.2, seed = 0, signal }: RetrainHeadOptions = {},
): Promise<Trained> {
  const file = await readOnebit(bytes);
  const { train, held } = examples.divide(heldBack, seed);
  const trunk = headless(file);
  const features = await featuresOf(trunk, file, train, signal);
  const labels = train.map(({ label }) => label);
  const { labels: classes } = examples;
  const made = await withFittedHead(file, trunk, { features, labels, classes, signal });
  return finished(made, held);
}

/** How the last block of a packed network is made anew. */
export interface RetrainBlockOptions extends TrainingOptions {
  /** As of retrainHead. */
  readonly heldBack?: number;
}

/**
 * A packed network with another last block and classifier: a block of BNext, which has 1-bit weights as well,
 * is trained on the feature map before its last stage. runtime: in a page webRuntime(ort).
 *
 * bytes: a `.onebit` file that says how pictures are prepared and has two feature maps or more ("stage-4",
 * "stage-8" ...), else OnebitError. Other errors as of trainExamples.
 */
export async function retrainBlock(
  runtime: TrainingRuntime,
  bytes: Uint8Array,
  examples: Examples,
  options: RetrainBlockOptions = {},
): Promise<Trained> {
  const { heldBack = 0.2, seed = 0, epochs = 30, batch = 24, learningRate = 3e-3 } = options;
  const file = await readOnebit(bytes);
  const { train, held } = examples.divide(heldBack, seed);
  const { cut, widths, stride } = lastStage(file.program);
  const trunk = trunkOf(file, cut);
  const [height, width, channels] = file.program.values[cut].shape;
  const input = [channels, height, width] as [number, number, number];
  const classes = examples.labels.length;
  const network = bnext("block", { widths, input, classes, stemless: true, latentStd: 0.05 });
  const samples = async (some: readonly Example[]) =>
    featureSamples(some, await featuresOf(trunk, file, some, options.signal));
  const tensors = await trainNetwork(
    { network, runtime, train: await samples(train), held: await samples(held) },
    { ...options, epochs, batch, learningRate },
  );
  const tail = withStride(pack(network, tensors), stride);
  const retrained = { part: "last block", pictures: train.length };
  const { labels } = examples;
  const made = { preprocess: file.preprocess, labels, card: { ...file.card, retrained } };
  return finished({ ...joinPrograms(trunk, tail), ...made }, held);
}

/** A network's outputs named as they are where its input is the map of that stride. */
function withStride({ program, tensors }: Packed, stride: number): Packed {
  const named = Object.entries(program.outputs).map(([name, id]) => {
    const own = strideOf(name);
    return [own ? `stage-${own * stride}` : name, id];
  });
  return { program: { ...program, outputs: Object.fromEntries(named) }, tensors };
}

/** Of the name of a feature map's output; undefined of others. */
function strideOf(output: string): number | undefined {
  const [, stride] = /^stage-(\d+)$/.exec(output) ?? [];
  return stride === undefined ? undefined : Number(stride);
}

interface LastStage {
  /** The map before it, and its stride. */
  readonly cut: ValueId;
  readonly stride: number;
  /** Of a block from there to it. */
  readonly widths: readonly number[];
}

function lastStage({ values, outputs }: Program): LastStage {
  const strides = Object.keys(outputs).flatMap((name) => strideOf(name) ?? []);
  const [stride, last] = strides.sort((a, b) => a - b).slice(-2);
  if (last === undefined) {
    const there = Object.keys(outputs).join(", ");
    throw new OnebitError(
      `two feature maps or more ("stage-4", "stage-8") are wanted; this network's outputs are ${there}: retrain its head`,
    );
  }
  const cut = outputs[`stage-${stride}`];
  const [from, to] = [cut, outputs[`stage-${last}`]].map((id) => values[id].shape[2]);
  return { cut, stride, widths: [from, to > from ? 2 * from : from] };
}

/** Pictures that run through a trunk at a time. */
const AT_ONCE = 8;

/** What a trunk hands on, picture by picture, [C, H, W] or [C]. */
async function featuresOf(
  trunk: Trunk,
  { preprocess: how }: OnebitFile,
  examples: readonly Example[],
  signal: SignalLike | undefined,
): Promise<Float32Array[]> {
  if (!how) throw new OnebitError("this file does not say how pictures are prepared (preprocess)");
  if (examples.length === 0) return [];
  using model = await loadModel(await writeOnebit(trunk));
  const features: Float32Array[] = [];
  for (let first = 0; first < examples.length; first += AT_ONCE) {
    const some = examples.slice(first, first + AT_ONCE);
    const pixels = how.channels * how.size[0] * how.size[1];
    const data = new Float32Array(some.length * pixels);
    some.forEach(({ image }, n) => {
      data.set(preprocess(image, how), n * pixels);
    });
    const shape = [some.length, how.channels, ...how.size];
    const { [CUT]: out } = await model.run({ shape, data }, { outputs: [CUT] });
    const size = out.data.length / some.length;
    some.forEach((_, n) => {
      features.push(out.data.slice(n * size, (n + 1) * size));
    });
    await breath();
    signal?.throwIfAborted();
  }
  return features;
}
