import { integerNetwork } from "@onebit/convert";
import { OnebitError } from "onebit";
import type { OnebitFile } from "onebit/file";
import type { Preprocess } from "onebit/image";
import { batches, type Dataset } from "../data/index.js";
import { openPacked } from "./files.js";
import { scoresClasses } from "./packed.js";
import type { Subject } from "./subject.js";

/** A packed network in whole numbers. */
export interface IntegerSubject extends Subject {
  readonly backend: "integer";
  /** Eight digits that the C of `onebit export --to c --integer` has too, where it computes the same. */
  readonly arithmetic: string;
}

/** Images of a data set that ranges are taken from. */
export const CALIBRATION_IMAGES = 128;

/** A `.onebit` file as C with `--integer` computes it; ranges from training images of a data set, or generated ones. */
export async function integerSubject(path: string, calibrate?: Dataset): Promise<IntegerSubject> {
  const file = await openPacked(path);
  if (!scoresClasses(file.program)) {
    throw new OnebitError(`${path}: scores no classes: only classifiers run in whole numbers`);
  }
  const images = calibrate && (await calibrationImages(file, calibrate));
  const network = await integerNetwork(file, images);
  const { values, input, outputs } = file.program;
  const [height, width, channels] = values[input].shape;
  const classes = values[outputs.logits].shape[2];
  return {
    ...{ kind: "packed", path, backend: "integer", threads: 1 },
    arithmetic: network.arithmetic,
    notes: [`whole numbers, arithmetic ${network.arithmetic}: ranges of ${rangesFrom(images)}`],
    input: { kind: "map", shape: [channels, height, width] },
    outputs: { logits: { kind: "vector", shape: [classes] } },
    scores: { classes, labels: file.labels },
    preprocess: file.preprocess,
    run: async ({ shape, data }) => {
      const count = shape[0];
      const length = data.length / count;
      const logits = new Float32Array(count * classes);
      for (let n = 0; n < count; n++) {
        const image = interleaved(data.subarray(n * length, (n + 1) * length), channels);
        logits.set(network.run(image), n * classes);
      }
      return { logits: { shape: [count, classes], data: logits } };
    },
    dispose: async () => {},
  };
}

/** Normalised images [H, W, C] from the beginning of the training part, in its order. */
export async function calibrationImages(
  { preprocess, program }: Pick<OnebitFile, "preprocess" | "program">,
  dataset: Dataset,
): Promise<Float32Array[]> {
  if (!preprocess) {
    throw new OnebitError(
      "it does not say how images are prepared, so no ranges can be taken from images: leave --calibrate out",
    );
  }
  return firstImages(dataset, preprocess, program.values[program.input].shape[2]);
}

async function firstImages(dataset: Dataset, preprocess: Preprocess, channels: number) {
  const stream = batches(dataset, {
    ...{ split: "train", batch: CALIBRATION_IMAGES, preprocess },
    ...{ shuffle: false, dropLast: false, skipBad: true },
  });
  for await (const { images, count } of stream) {
    if (count === 0) continue;
    const length = images.length / CALIBRATION_IMAGES;
    return Array.from({ length: count }, (_, n) =>
      interleaved(images.subarray(n * length, (n + 1) * length), channels),
    );
  }
  throw new OnebitError("the data set has no training images to take ranges from");
}

const rangesFrom = (images: readonly unknown[] | undefined) =>
  images
    ? `${images.length} training images`
    : "generated images (--calibrate takes them from yours)";

/** [C, H, W] as [H, W, C]. */
function interleaved(planes: Float32Array, channels: number): Float32Array {
  if (channels === 1) return planes.slice();
  const pixels = planes.length / channels;
  return Float32Array.from(
    planes,
    (_, i) => planes[(i % channels) * pixels + Math.floor(i / channels)],
  );
}
