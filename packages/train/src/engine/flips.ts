import type { Layout } from "../state/layout.js";

/** Counts how many binary weights change sign from call to call. */
export class FlipCounter {
  readonly #ranges: readonly { readonly start: number; readonly end: number }[];
  readonly #signs: Uint8Array;

  constructor(layout: Layout, values: Float32Array) {
    this.#ranges = layout.segments.filter(
      ({ role, end }) => role === "binary" && end <= layout.trained,
    );
    const length = this.#ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    this.#signs = new Uint8Array(length);
    this.update(values);
  }

  /** Fraction of the binary weights whose sign differs from the last call; NaN where there are none. */
  update(values: Float32Array): number {
    let at = 0;
    let flips = 0;
    for (const { start, end } of this.#ranges) {
      for (let i = start; i < end; i++, at++) {
        const sign = values[i] > 0 ? 1 : 0;
        flips += sign ^ this.#signs[at];
        this.#signs[at] = sign;
      }
    }
    return flips / at;
  }
}
