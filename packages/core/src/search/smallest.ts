/** A vector of an index that is near. */
export interface Neighbour {
  /** Of the vector, and its name. */
  readonly index: number;
  readonly name: string;
  /** Of bits: how many differ. Of floats: 1 - cosine, from 0 to 2. */
  readonly distance: number;
}

/** Where the `count` smallest are, smallest first; of equals the first. count: at most as many as there are. */
export function smallest(values: ArrayLike<number>, count: number): Int32Array {
  const best = new Int32Array(count);
  let filled = 0;
  // What is not below it is not among them: nearly all, so that this comparison is what a search waits for.
  let bound = Number.POSITIVE_INFINITY;
  for (let i = 0; i < values.length; i++) {
    const value = values[i];
    if (value >= bound) continue;
    let [low, high] = [0, filled];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[best[middle]] <= value) low = middle + 1;
      else high = middle;
    }
    best.copyWithin(low + 1, low, Math.min(filled, count - 1));
    best[low] = i;
    if (filled < count) filled++;
    if (filled === count) bound = values[best[count - 1]];
  }
  return best;
}
