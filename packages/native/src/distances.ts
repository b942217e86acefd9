import { OnebitError } from "onebit";
import type { DistanceEngine, Distances } from "onebit/search";
import { type Addon, loadAddon } from "./addon.js";

/**
 * What compares a query with each row of an index, with an instruction set of your choice (default: as of
 * nativeWith). OnebitError where the addon is missing.
 */
export const distancesWith = (isa?: string): DistanceEngine => ({
  name: "native",
  async hold(rows) {
    const addon = addonThatSearches();
    const chosen = isa ?? process.env.ONEBIT_NATIVE_ISA ?? "";
    const of: Distances["of"] = (query) => {
      if (rows.form === "bits") {
        const to = new Int32Array(rows.count);
        addon.hamming(query as Uint8Array, rows.data, to, chosen);
        return to;
      }
      const to = new Float32Array(rows.count);
      addon.dots(query as Float32Array, rows.data, to, chosen);
      return to;
    };
    return { of, dispose: () => {} };
  },
});

/** One that was built before there was a search reads the same programs. */
function addonThatSearches(): Addon {
  const loaded = loadAddon();
  if (!("addon" in loaded)) throw new OnebitError(`native: ${loaded.reason}`);
  if ("hamming" in loaded.addon) return loaded.addon;
  throw new OnebitError("native: built before there was a search: install or build it anew");
}

/** The same with the best that this processor has: what openSearch of onebit/search takes. */
export const distances: DistanceEngine = distancesWith();
