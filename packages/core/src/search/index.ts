/**
 * Nearest neighbours among vectors that a network makes of pictures: exact, in Node and in pages.
 *
 * ```ts
 * import { makeIndex, openSearch } from "onebit/search";
 *
 * const vectors = [[1, 2, -1], [3, -1, 0], [-2, 0, 1]].map((numbers) => Float32Array.from(numbers));
 * const index = makeIndex(vectors, { form: "floats", names: ["a.jpg", "b.jpg", "c.jpg"] });
 * using search = await openSearch(index);
 * const [best] = search.nearest(Float32Array.from([1, 1, -1]), 1);
 * console.log(best.name, best.distance);
 * ```
 *
 * @module onebit/search
 */

export type { DistanceEngine, Distances, Rows } from "./engine.js";
export { readIndex, writeIndex } from "./index-file.js";
export {
  openSearch,
  SEARCH_BACKENDS,
  type Search,
  type SearchBackend,
  type SearchOptions,
} from "./open-search.js";
export type { Neighbour } from "./smallest.js";
export {
  type BitIndex,
  type FloatIndex,
  type IndexFacts,
  type IndexOptions,
  makeIndex,
  VECTOR_FORMS,
  type VectorForm,
  type VectorIndex,
} from "./vector-index.js";
