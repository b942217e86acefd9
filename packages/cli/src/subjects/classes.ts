import { type AnySubject, type Subject, scoresOf, type Tensors } from "@onebit/train/subjects";
import {
  type FloatTensor,
  type ImageLike,
  OnebitError,
  type Prediction,
  topPredictions,
} from "onebit";
import { type Preprocess, preprocess } from "onebit/image";

/** How the network wants photographs; an error where it does not say. */
export function preparationOf({ path, input, preprocess: how }: Subject): Preprocess {
  if (how) return how;
  if (input.kind === "vector") {
    const rows = `rows [N, ${input.shape.join(", ")}]`;
    throw new OnebitError(`${path}: takes ${rows}, no pictures: --input x.npy`);
  }
  throw new OnebitError(
    `${path}: does not say how images are prepared: what writes it must give writeOnebit() a preprocess. As it is, it takes normalised tensors: --input x.npy`,
  );
}

/** One photograph as the network takes it, [1, C, H, W]. */
export function prepared(image: ImageLike, how: Preprocess): FloatTensor {
  const { data, width, height } = image;
  const channels = data.length / (width * height);
  const planes = preprocess({ data, width, height, channels }, how);
  return { shape: [1, how.channels, ...how.size], data: planes };
}

/** The network failed, whatever the picture. */
export class FailedRun extends OnebitError {}

/** What the network gives; FailedRun, because photographs that are prepared fit. */
export async function runOn(
  subject: AnySubject,
  batch: FloatTensor,
  outputs?: readonly string[],
): Promise<Tensors> {
  try {
    return await subject.run(batch, outputs);
  } catch (error) {
    throw error instanceof OnebitError ? new FailedRun(error.message) : error;
  }
}

/** The likeliest classes of a photograph. OnebitError where it does not fit; FailedRun. */
export async function classify(
  subject: AnySubject,
  image: ImageLike,
  top: number,
): Promise<Prediction[]> {
  if (subject.kind === "packed" && subject.classifier) {
    return subject.classifier.classify(image, { top });
  }
  const { labels } = scoresOf(subject);
  const batch = prepared(image, preparationOf(subject));
  const { logits } = await runOn(subject, batch);
  return topPredictions(logits.data, top, labels);
}
