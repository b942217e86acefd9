import { UsageError } from "onebit";
import type { Preprocess } from "onebit/image";
import { buildModel, models, type Switches } from "onebit/models";
import { pack } from "onebit/pack";
import type { AugmentOptions } from "../data/augment/index.js";
import { pixelStatistics } from "../data/memory-split.js";
import type { TrainingRuntime } from "../runtime/types.js";
import type { Example, Examples } from "./examples.js";
import { type TrainingOptions, trainNetwork } from "./network.js";
import { pictureSamples } from "./samples.js";
import { finished, type Trained } from "./trained.js";

/** How a network of one's own is made of examples. */
export interface TrainExamplesOptions extends TrainingOptions {
  /** An architecture by name (onebit/models) and its switches. Default: a small BNext. */
  readonly model?: string;
  readonly switches?: Switches;
  /** Height and width that it takes. Default: 32x32. */
  readonly size?: readonly [height: number, width: number];
  /** The share of each class that is not trained on. Default: 0.2. */
  readonly heldBack?: number;
  /** As of recipes. Default: pictures are flipped, and moved a little. */
  readonly augment?: AugmentOptions;
}

/** A BNext of 36 kB; seReduction and latentStd as of bnext-nano. */
const SMALL = {
  model: "bnext",
  switches: { widths: [16, 32, 64, 64], stemStride: 2, seReduction: 32, latentStd: 0.05 },
} as const;
const AUGMENT = { flip: 0.5, pad: 3 } as const;

/**
 * Trains a network on examples, from nothing, and packs it. In a page: runtime is webRuntime(ort), and the
 * thread that calls it computes.
 *
 * UsageError where the options do not fit or examples are missing; OnebitError where the loss is not a number
 * any more; the signal's reason where it is aborted.
 */
export async function trainExamples(
  runtime: TrainingRuntime,
  examples: Examples,
  options: TrainExamplesOptions = {},
): Promise<Trained> {
  const { model = SMALL.model, size = [32, 32], heldBack = 0.2, seed = 0 } = options;
  const { switches = model === SMALL.model ? SMALL.switches : {}, augment = AUGMENT } = options;
  const { epochs = 40, batch = 24, learningRate = 3e-3 } = options;
  if (!Object.hasOwn(models, model)) {
    throw new UsageError(`unknown model "${model}": there are ${Object.keys(models).join(", ")}`);
  }
  const { train, held } = examples.divide(heldBack, seed);
  const { labels } = examples;
  const preprocess = preprocessFor(train, size);
  const input = [preprocess.channels, ...size] as [number, number, number];
  const network = buildModel(model, { ...switches, classes: labels.length, input });
  const tensors = await trainNetwork(
    {
      ...{ network, runtime },
      train: pictureSamples(train, preprocess, augment),
      held: pictureSamples(held, preprocess),
    },
    { ...options, epochs, batch, learningRate },
  );
  const card = { name: `${model}, trained on the spot`, epochs, seed, pictures: train.length };
  const packed = pack(network, tensors);
  return finished({ ...packed, preprocess, labels, card }, held);
}

/** Pictures are reduced to the network's size, the middle kept, and normalised by what they are. */
function preprocessFor(
  examples: readonly Example[],
  [height, width]: readonly [number, number],
): Preprocess {
  const channels = 3;
  const pixels = new Uint8Array(examples.reduce((sum, { image }) => sum + image.data.length, 0));
  let at = 0;
  for (const { image } of examples) {
    pixels.set(image.data, at);
    at += image.data.length;
  }
  return {
    ...{ size: [height, width], channels, resize: Math.max(height, width), crop: "center" },
    ...{ interpolation: "bilinear", ...pixelStatistics(pixels, channels) },
  };
}
