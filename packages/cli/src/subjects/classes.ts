import {
  type FloatTensor,
  type ImageLike,
  OnebitError,
  type Prediction,
  topPredictions,
} from "onebit";
import { type Preprocess, preprocess } from "onebit/image";
import { shellCommand } from "onebit/words";
import type { AnySubject, Scores, Subject, Tensors } from "./subject.js";

/** OnebitError for a network that scores no classes: which outputs it has, and how to get at them. */
export function scoresOf({ path, scores, outputs }: Subject): Scores {
  if (scores) return scores;
  const there = Object.keys(outputs).map((name) => `"${name}"`);
  const command = shellCommand("onebit", "run", path, "--input", "x.npy", "--output", "y.npy");
  throw new OnebitError(
    `${path}: scores no classes: it has no output "logits", but ${there.join(", ")}; what it gives: ${command}`,
  );
}

/** How the network wants photographs; an error where it does not say. */
export function preparationOf({ path, preprocess: how }: Subject): Preprocess {
  if (how) return how;
  throw new OnebitError(
    `${path}: does not say how images are prepared; give normalised tensors: --input x.npy`,
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
