import type { Subject } from "@onebit/train/subjects";
import { type FloatTensor, OnebitError } from "onebit";
import type { Opened } from "./bisect.js";
import { classOrder, inOrder } from "./class-order.js";
import { flipsBetween } from "./differences.js";
import type { Tracer } from "./inside.js";
import { imageOf } from "./tensors.js";

export interface Verification {
  readonly images: number;
  /** The outputs compared: logits, or all that both have where one scores no classes. */
  readonly outputs: readonly string[];
  /** err(image) = max|a - b| / max|b| over an output; the largest. */
  readonly maxRelativeError: number;
  /** Share of images whose likeliest class is the same; null where no classes are scored. */
  readonly top1Agreement: number | null;
  /** Sign decisions that differ; null where one side shows none of its signs. */
  readonly flips: number | null;
  /** Share of images with an error within the tolerance. */
  readonly withinTolerance: number;
  /** Images beyond the tolerance although no sign within rounding errors of its threshold flipped. */
  readonly unexplained: number | null;
  readonly ok: boolean;
}

export interface Thresholds {
  /** Largest error of an image in which no sign flipped. */
  readonly tolerance: number;
  /** Smallest share of images with the same top-1 class. */
  readonly agreement: number;
}

/** The same images, as each of the two networks wants them. */
export interface ImagePair {
  readonly a: FloatTensor;
  readonly b: FloatTensor;
}

/** A first flip this close to its threshold is rounding: relative to the largest distance. */
const NEAR = 1e-4;
/** Where signs cannot be seen, so many images must be within the tolerance: some have flips. */
const SHARE_WITHOUT_SIGNS = 0.9;

/**
 * Compares what two networks say of the same images, class by class: by name where both have names.
 *
 * ok: the top-1 classes agree often enough, and each image is within the tolerance, or the first
 * sign decision in which it differs was a matter of rounding, after which a 1-bit network goes
 * another way. Where one side shows no signs: nine images of ten within the tolerance. Where one ends in a
 * softmax, the scores of both are compared behind one.
 */
export async function verify(
  a: Opened,
  b: Opened,
  batches: AsyncIterable<ImagePair>,
  { tolerance, agreement }: Thresholds,
): Promise<Verification> {
  const outputs = comparedOutputs(a.subject, b.subject);
  const order = classOrder(a.subject, b.subject);
  const scoresClasses = outputs.includes("logits");
  const afterSoftmax = [a, b].some(({ subject }) => subject.scores?.afterSoftmax);
  const watch = await signWatch(a, b);
  const score = { images: 0, worst: 0, agreeing: 0, within: 0, flips: 0, unexplained: 0 };
  try {
    for await (const pair of batches) {
      const x = await a.subject.run(pair.a, outputs);
      const y = await b.subject.run(pair.b, outputs);
      for (let n = 0; n < pair.a.shape[0]; n++) {
        const rows = outputs.map((name) => {
          const [p, q] = [imageOf(x[name], n).data, imageOf(y[name], n).data];
          if (name !== "logits") return { p, q };
          const scores = { p, q: inOrder(q, order) };
          return afterSoftmax ? { p: logSoftmax(scores.p), q: logSoftmax(scores.q) } : scores;
        });
        const error = Math.max(...rows.map(({ p, q }) => relativeError(p, q)));
        const isWithin = error <= tolerance;
        const found = await watch?.flips({ a: imageOf(pair.a, n), b: imageOf(pair.b, n) });
        score.images++;
        score.worst = Math.max(score.worst, error);
        if (scoresClasses && argmax(rows[0].p) === argmax(rows[0].q)) score.agreeing++;
        if (isWithin) score.within++;
        else if (found?.explains !== true) score.unexplained++;
        score.flips += found?.count ?? 0;
      }
    }
  } finally {
    await watch?.dispose();
  }
  const { images, worst, agreeing, within, flips, unexplained } = score;
  const holds = watch ? unexplained === 0 : within >= SHARE_WITHOUT_SIGNS * images;
  return {
    ...{ images, outputs, maxRelativeError: worst },
    top1Agreement: scoresClasses ? agreeing / images : null,
    flips: watch ? flips : null,
    withinTolerance: within / images,
    unexplained: watch ? unexplained : null,
    ok: images > 0 && holds && (!scoresClasses || agreeing >= agreement * images),
  };
}

function comparedOutputs(a: Subject, b: Subject): readonly string[] {
  if (a.scores && b.scores) return ["logits"];
  const shape = ({ outputs }: Subject, name: string) => outputs[name]?.shape.join("x");
  const shared = Object.keys(a.outputs).filter((name) => shape(a, name) === shape(b, name));
  if (shared.length) return shared;
  const listed = ({ outputs }: Subject) =>
    Object.keys(outputs)
      .map((name) => `"${name}" ${outputs[name].shape.join("x")}`)
      .join(", ");
  throw new OnebitError(
    `${a.path} gives ${listed(a)}, ${b.path} ${listed(b)}: no output is in both, so they cannot be compared`,
  );
}

/** max|a - b| / max|b|; infinite where either is no number. */
function relativeError(a: Float32Array, b: Float32Array): number {
  let [gap, size] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs(a[i] - b[i]);
    if (Number.isNaN(difference)) return Number.POSITIVE_INFINITY;
    gap = Math.max(gap, difference);
    size = Math.max(size, Math.abs(b[i]));
  }
  return gap === 0 ? 0 : gap / size;
}

/** What a softmax leaves of scores: without the number that those of an image have in common. */
function logSoftmax(row: Float32Array): Float32Array {
  const most = row[argmax(row)];
  const sum = row.reduce((total, x) => total + Math.exp(x - most), 0);
  return row.map((x) => x - most - Math.log(sum));
}

function argmax(row: Float32Array): number {
  let best = 0;
  for (let i = 1; i < row.length; i++) if (row[i] > row[best]) best = i;
  return best;
}

interface SignWatch {
  flips(image: ImagePair): Promise<{ count: number; explains: boolean }>;
  dispose(): Promise<void>;
}

/** Follows the sign decisions that both sides show. */
async function signWatch(a: Opened, b: Opened): Promise<SignWatch | undefined> {
  const shown = new Set(b.inside.signs);
  const signs = a.inside.signs.filter((name) => shown.has(name));
  if (signs.length === 0) return undefined;
  const wanted = new Set(signs.flatMap((name) => [name, `${name}:before`]));
  const tracers: Tracer[] = [];
  for (const { inside } of [a, b]) tracers.push(await inside.tracer((name) => wanted.has(name)));
  return {
    async flips(image) {
      const [x, y] = [await tracers[0].trace(image.a), await tracers[1].trace(image.b)];
      let [count, explains] = [0, false];
      for (const name of signs) {
        const [p, q] = [x.values.get(name), y.values.get(name)];
        if (!p || !q) continue;
        const margins = [x.margins.get(name), y.margins.get(name)];
        const found = flipsBetween(
          p,
          q,
          margins.filter((margin) => margin !== undefined),
        );
        if (!found) continue;
        // Only the first counts: what flips behind it is its consequence.
        if (count === 0) explains = found.distance <= NEAR;
        count += found.count;
      }
      return { count, explains };
    },
    async dispose() {
      for (const tracer of tracers) await tracer.dispose();
    },
  };
}
