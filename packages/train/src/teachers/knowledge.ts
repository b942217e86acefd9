import type { SignalLike } from "onebit";
import { summarize } from "onebit/cost";
import { floatModelGraph } from "onebit/models";
import { unpack } from "onebit/pack";
import { type Dataset, openLoader } from "../data/index.js";
import { countParameters } from "../run/prepare.js";
import { openFloatModel, openPacked } from "../subjects/files.js";
import { modelKind } from "../subjects/kind.js";
import { openOnnxFile } from "../subjects/onnx-file.js";
import type { TeacherChoice } from "./choice.js";
import { Teacher } from "./teacher.js";

/** What a network could teach about a data set's training images. */
export interface Knowledge {
  readonly path: string;
  readonly parameters: number;
  /** Training images that it was asked about, as it sees them in evaluation. */
  readonly images: number;
  readonly top1: number;
  /** Mean of -log p(label), in nats. */
  readonly crossEntropy: number;
  /** log(1 + parameters / (crossEntropy + epsilon)) */
  readonly complexity: number;
  /** Mean of (1 - p(label)) (log(classes - 1) - H(q)), in nats; q: the probabilities of the wrong classes, made to sum to 1. */
  readonly telling: number;
  readonly notes: readonly string[];
}

/** How a teacher is asked, and told of. */
export interface KnowledgeOptions {
  /** Keeps a teacher that knows all labels by heart from infinity. Default 1e-3. */
  readonly epsilon?: number;
  readonly batch?: number;
  readonly threads?: number;
  readonly signal?: SignalLike;
  readonly onProgress?: (images: number, of: number, path: string) => void;
}

/** The usual `epsilon` of KnowledgeOptions. */
export const USUAL_EPSILON = 1e-3;

/**
 * Two candidates for how much a teacher's soft labels hold.
 *
 * complexity is our reading of BNext's knowledge complexity (arXiv 2211.12933), which weighs a teacher's parameters
 * against how useful its soft labels are; the paper's formula could not be read. telling is another proposal: the
 * mass on wrong classes, times how far these are from all alike; 0 for one-hot and for smoothed labels.
 *
 * OnebitError for a missing file, or classes that are others than those of the data.
 */
export async function knowledgeOf(
  choice: TeacherChoice,
  dataset: Dataset,
  options: KnowledgeOptions = {},
): Promise<Knowledge> {
  const { epsilon = USUAL_EPSILON, batch = 64, threads = 1, signal, onProgress } = options;
  const parameters = await parametersOf(choice.path);
  const teacher = await Teacher.open(choice, { dataset, threads, measured: false });
  const loader = openLoader(dataset);
  try {
    const { preprocess, notes } = teacher;
    const how = { batch, preprocess, shuffle: false, dropLast: false, signal };
    const stream = loader.batches({ split: "train", ...how });
    const sums = { images: 0, correct: 0, crossEntropy: 0, telling: 0 };
    for await (const { images, labels, count } of stream) {
      const length = images.length / labels.length;
      const seen = images.subarray(0, count * length);
      const { logits } = await teacher.answer(seen, preprocess, ["logits"]);
      const classes = logits.length / count;
      for (let n = 0; n < count; n++) {
        const row = logits.subarray(n * classes, (n + 1) * classes);
        const said = saidOf(row, labels[n]);
        sums.crossEntropy += said.crossEntropy;
        sums.telling += said.telling;
        sums.correct += said.correct;
      }
      sums.images += count;
      stream.recycle({ images });
      onProgress?.(sums.images, stream.items, choice.path);
    }
    const { images } = sums;
    const crossEntropy = sums.crossEntropy / images;
    return {
      ...{ path: choice.path, parameters, images, crossEntropy, notes },
      top1: sums.correct / images,
      complexity: Math.log1p(parameters / (crossEntropy + epsilon)),
      telling: sums.telling / images,
    };
  } finally {
    await teacher.dispose();
    await loader.close();
  }
}

/** Of several networks, from the least complexity to the most. All are opened before the first is asked. */
export async function rankTeachers(
  choices: readonly TeacherChoice[],
  dataset: Dataset,
  options: KnowledgeOptions = {},
): Promise<Knowledge[]> {
  for (const choice of choices) {
    const teacher = await Teacher.open(choice, { dataset, threads: 1, measured: false });
    await teacher.dispose();
  }
  const all: Knowledge[] = [];
  for (const choice of choices) all.push(await knowledgeOf(choice, dataset, options));
  return all.sort((a, b) => a.complexity - b.complexity);
}

/** Of one image, in float64. */
export function saidOf(
  logits: Float32Array,
  label: number,
): { crossEntropy: number; telling: number; correct: number } {
  const largest = Math.max(...logits);
  const exps = Array.from(logits, (z) => Math.exp(z - largest));
  const total = exps.reduce((sum, e) => sum + e, 0);
  const wrong = total - exps[label];
  // With w = sum of the wrong exps: H(q) = log w - (1/w) Σ e log e, where log e = z - largest.
  const spread = exps.reduce(
    (sum, e, k) => (k === label ? sum : sum + e * (logits[k] - largest)),
    0,
  );
  const entropy = wrong > 0 ? Math.log(wrong) - spread / wrong : 0;
  const others = Math.max(1, logits.length - 1);
  return {
    crossEntropy: Math.log(total) - (logits[label] - largest),
    telling: (wrong / total) * Math.max(0, Math.log(others) - entropy),
    correct: logits.indexOf(largest) === label ? 1 : 0,
  };
}

/** Trained numbers of a network, whatever it is made of; of an .onnx file all that it holds. */
async function parametersOf(path: string): Promise<number> {
  const kind = await modelKind(path, "network");
  if (kind === "onnx") return (await openOnnxFile(path)).parameters;
  if (kind === "float")
    return countParameters(floatModelGraph(await openFloatModel(path))).parameters;
  const { program, tensors } = await openPacked(path);
  return summarize(unpack(program, tensors).graph).parameters;
}
