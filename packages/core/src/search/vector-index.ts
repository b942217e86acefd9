import { OnebitError, UsageError } from "../errors.js";
import { counted } from "../words/counted.js";

/** How an index keeps vectors: as numbers, compared by their angle, or as signs, compared by those that differ. */
export const VECTOR_FORMS = ["floats", "bits"] as const;

/** See VECTOR_FORMS. */
export type VectorForm = (typeof VECTOR_FORMS)[number];

/** What an index says of its vectors. */
export interface IndexFacts {
  /** Of each vector, in their order. */
  readonly names: readonly string[];
  /** Numbers of a vector. */
  readonly width: number;
  /** SHA-256 of the file of the network that made them, and which of its outputs they are. */
  readonly network?: string;
  readonly output?: string;
}

/** Vectors [count, width], each scaled to length 1. */
export interface FloatIndex extends IndexFacts {
  readonly form: "floats";
  readonly vectors: Float32Array;
}

/**
 * Signs [count, ceil(width / 8)]: bit i of a vector, least significant first, is 1 where number i is above
 * threshold i, its mean over all vectors; filled with zeros to a byte.
 */
export interface BitIndex extends IndexFacts {
  readonly form: "bits";
  readonly vectors: Uint8Array;
  readonly thresholds: Float32Array;
}

/** Vectors to be searched. */
export type VectorIndex = FloatIndex | BitIndex;

/** What an index is made with. */
export interface IndexOptions extends Omit<IndexFacts, "width"> {
  readonly form: VectorForm;
}

/**
 * An index of vectors, all of one width.
 *
 * UsageError where there are none, widths differ, or names are not as many; OnebitError for a vector, by its
 * name, with numbers that are not finite, or, among floats, with nothing but zeros.
 */
export function makeIndex(
  vectors: readonly Float32Array[],
  { form, ...facts }: IndexOptions,
): VectorIndex {
  const { names } = facts;
  if (!vectors.length) throw new UsageError("an index of no vectors: give one or more");
  if (names.length !== vectors.length) {
    throw new UsageError(`${counted(vectors.length, "vector")} with ${names.length} names`);
  }
  const [{ length: width }] = vectors;
  vectors.forEach((vector, i) => {
    checkVector(vector, width, names[i]);
  });
  if (form === "floats") {
    const all = new Float32Array(vectors.length * width);
    vectors.forEach((vector, i) => {
      all.set(unit(vector, names[i]), i * width);
    });
    return { form, ...facts, width, vectors: all };
  }
  const thresholds = meanOf(vectors, width);
  const bytes = Math.ceil(width / 8);
  const all = new Uint8Array(vectors.length * bytes);
  vectors.forEach((vector, i) => {
    all.set(signs(vector, thresholds), i * bytes);
  });
  return { form, ...facts, width, vectors: all, thresholds };
}

/** UsageError for another width, OnebitError for numbers that cannot be compared. */
export function checkVector(vector: Float32Array, width: number, name: string): void {
  if (vector.length !== width || !width) {
    throw new UsageError(`${name}: ${counted(vector.length, "number")}, ${width || "some"} wanted`);
  }
  const at = vector.findIndex((x) => !Number.isFinite(x));
  if (at >= 0) throw new OnebitError(`${name}: number ${at} of its vector is ${vector[at]}`);
}

/** vector / |vector|, rounded once. */
export function unit(vector: Float32Array, name: string): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, x) => sum + x * x, 0));
  if (length > 0) return vector.map((x) => x / length);
  throw new OnebitError(
    `${name}: nothing but zeros, which have no angle with others: keep vectors as bits`,
  );
}

/** Bit i: vector[i] > thresholds[i]. */
export function signs(vector: Float32Array, thresholds: Float32Array): Uint8Array {
  const bits = new Uint8Array(Math.ceil(vector.length / 8));
  vector.forEach((x, i) => {
    if (x > thresholds[i]) bits[i >> 3] |= 1 << (i & 7);
  });
  return bits;
}

function meanOf(vectors: readonly Float32Array[], width: number): Float32Array {
  const sums = new Float64Array(width);
  for (const vector of vectors) for (let i = 0; i < width; i++) sums[i] += vector[i];
  return Float32Array.from(sums, (sum) => sum / vectors.length);
}
