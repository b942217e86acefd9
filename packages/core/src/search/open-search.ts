/// <reference lib="esnext.disposable" preserve="true" />

import { describe } from "../describe.js";
import { OnebitError, UsageError } from "../errors.js";
import { checkOptions, type OptionChecks } from "../runtime/check-options.js";
import { counted } from "../words/counted.js";
import { type DistanceEngine, type Distances, paddedLength, type Rows } from "./engine.js";
import { type Neighbour, smallest } from "./smallest.js";
import { checkVector, signs, unit, type VectorIndex } from "./vector-index.js";

/** What compares vectors, fastest first. */
export const SEARCH_BACKENDS = ["native", "wasm", "reference"] as const;

/** See SEARCH_BACKENDS. */
export type SearchBackend = (typeof SEARCH_BACKENDS)[number];

/** Where a search runs. */
export interface SearchOptions {
  /** Default "auto": the fastest that is there. All give the same neighbours at the same distances. */
  readonly backend?: SearchBackend | "auto";
}

/** An index that answers. */
export interface Search extends Disposable {
  readonly index: VectorIndex;
  readonly backend: SearchBackend;
  /** Why others were passed over, by name. */
  readonly backendReasons: { readonly [backend: string]: string };
  /**
   * The `count` vectors that are nearest to one, as the network gives it, nearest first; of equals the first of
   * the index. Exact: every vector is compared.
   *
   * UsageError where count is none from 1 to the number of vectors, or the width another; OnebitError for numbers
   * that are not finite.
   */
  nearest(vector: Float32Array, count: number): Neighbour[];
  dispose(): void;
}

/** Loads an index into what compares fastest here. UsageError for options that there are not; OnebitError where a backend that was asked for cannot run. */
export async function openSearch(index: VectorIndex, options: SearchOptions = {}): Promise<Search> {
  checkOptions("openSearch", options, CHECKS);
  const { backend = "auto" } = options;
  const rows = rowsOf(index);
  const reasons: { [backend: string]: string } = {};
  for (const name of backend === "auto" ? SEARCH_BACKENDS : [backend]) {
    try {
      const engine = await engines[name]();
      return searchIn(index, name, await engine.hold(rows), reasons);
    } catch (error) {
      if (backend !== "auto") throw error;
      reasons[name] = (error as Error).message;
    }
  }
  throw new OnebitError(`no backend can search: ${Object.values(reasons).join("; ")}`);
}

const engines: { readonly [B in SearchBackend]: () => Promise<DistanceEngine> } = {
  native: async () => (await import("./native.js")).loadNative(),
  wasm: async () => (await import("./wasm.js")).wasm,
  reference: async () => (await import("./reference.js")).reference,
};

const CHECKS: OptionChecks<SearchOptions> = {
  backend: (name) =>
    name === "auto" ||
    SEARCH_BACKENDS.some((known) => known === name) ||
    `auto, ${SEARCH_BACKENDS.join(", ")}`,
};

function searchIn(
  index: VectorIndex,
  backend: SearchBackend,
  distances: Distances,
  backendReasons: Search["backendReasons"],
): Search {
  const { names, width } = index;
  let isOpen = true;
  const dispose = () => {
    if (isOpen) distances.dispose();
    isOpen = false;
  };
  return {
    ...{ index, backend, backendReasons, dispose, [Symbol.dispose]: dispose },
    nearest(vector, count) {
      if (!isOpen) throw new OnebitError("this search has been disposed; open it again");
      checkCount(count, names.length);
      checkVector(vector, width, "the vector to look for");
      const found = distances.of(queryOf(index, vector));
      const isAngle = index.form === "floats";
      return Array.from(smallest(found, count), (i) => ({
        ...{ index: i, name: names[i], distance: isAngle ? 1 + found[i] : found[i] },
      }));
    },
  };
}

function checkCount(count: number, vectors: number): void {
  if (Number.isInteger(count) && count >= 1 && count <= vectors) return;
  throw new UsageError(
    `${describe(count)} neighbours: the index has ${counted(vectors, "vector")}: ask for 1 to ${vectors}`,
  );
}

/** Of floats the negative, so that less is nearer. */
function queryOf(index: VectorIndex, vector: Float32Array): Uint8Array | Float32Array {
  if (index.form === "bits") {
    const bits = signs(vector, index.thresholds);
    return padded(bits, 1, paddedLength({ form: "bits", length: bits.length }));
  }
  const direction = unit(vector, "the vector to look for");
  const length = paddedLength({ form: "floats", length: direction.length });
  return padded(
    direction.map((x) => -x),
    1,
    length,
  );
}

function rowsOf(index: VectorIndex): Rows {
  const { form, names, vectors } = index;
  const count = names.length;
  const length = paddedLength({ form, length: vectors.length / count });
  return { form, count, data: padded(vectors, count, length) } as Rows;
}

/** Rows filled up with zeros, each to `length`; as they are where they have it. */
function padded<T extends Uint8Array | Float32Array>(rows: T, count: number, length: number): T {
  const had = rows.length / count;
  if (had === length) return rows;
  const all = new (rows.constructor as new (length: number) => T)(count * length);
  for (let n = 0; n < count; n++) {
    all.set(rows.subarray(n * had, (n + 1) * had), n * length);
  }
  return all;
}
