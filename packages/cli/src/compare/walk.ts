import { flipsBetween, type Gap, gapBetween, type Position, positionOf } from "./differences.js";
import type { Value } from "./tensors.js";

/**
 * A node that computes something else from the same inputs.
 *
 * sum: a convolution's bare accumulator (weights, padding, stride). value: a map or vector behind it.
 * sign: what a sign compares with its threshold, or the decision itself.
 */
export interface Difference {
  readonly node: string;
  /** Step of the packed network, or node of the graph, that computes it: 0 is the first. */
  readonly step: number;
  readonly kind: "sum" | "value" | "sign";
  /** Graph nodes computed together with it: the fault is in one of them. */
  readonly covers: readonly string[];
  readonly position: Position;
  readonly a: number;
  readonly b: number;
  /** Relative to the largest number of the value. */
  readonly error: number;
  readonly count: number;
  readonly of: number;
}

/** Sign decisions that differ because what they saw lies within rounding errors of the threshold. */
export interface NearFlip {
  readonly node: string;
  readonly step: number;
  readonly position: Position;
  readonly a: number;
  readonly b: number;
  /** From the threshold, relative to the largest distance in the value; of the farthest flip. */
  readonly distance: number;
  readonly count: number;
}

/** One image's way through two networks, step by step with the same inputs. */
export class Walk {
  /** Values that both have. */
  readonly compared = new Set<string>();
  readonly differences: Difference[] = [];
  readonly flips: NearFlip[] = [];

  /** Where the walk is. */
  step = 0;

  constructor(readonly tolerance: number) {}

  /** Whether both agree, as far as `b` is known. */
  value(
    node: string,
    kind: "sum" | "value",
    covers: readonly string[],
    a: Value,
    b: Value | undefined,
  ): boolean {
    if (!b || b.data.length !== a.data.length) return true;
    this.compared.add(kind === "sum" ? `${node}:sum` : node);
    const gap = gapBetween(a, b, this.tolerance);
    if (gap.error <= this.tolerance) return true;
    this.#differ(node, kind, covers, a, gap);
    return false;
  }

  /** margins: what the sign saw, minus the threshold, where known. */
  sign(
    node: string,
    covers: readonly string[],
    bits: { readonly a: Value; readonly b: Value | undefined },
    margins: { readonly a: Value | undefined; readonly b: Value | undefined },
  ): boolean {
    const { a, b } = margins;
    if (a && b && a.data.length === b.data.length) {
      this.compared.add(node);
      const gap = gapBetween(a, b, this.tolerance);
      if (gap.error > this.tolerance) {
        this.#differ(node, "sign", covers, a, gap);
        return false;
      }
    }
    if (!bits.b || bits.a.data.length !== bits.b.data.length) return true;
    this.compared.add(node);
    const seen = [a, b].filter((margin) => margin !== undefined);
    const flips = flipsBetween(bits.a, bits.b, seen);
    if (!flips) return true;
    if (flips.distance > this.tolerance) {
      this.#differ(node, "sign", covers, bits.a, { ...flips, error: flips.distance });
      return false;
    }
    const { at, ...found } = flips;
    this.flips.push({ node, step: this.step, position: positionOf(bits.a, at), ...found });
    return true;
  }

  #differ(
    node: string,
    kind: Difference["kind"],
    covers: readonly string[],
    value: Value,
    { at, a, b, error, count }: Gap,
  ): void {
    const position = positionOf(value, at);
    this.differences.push({
      ...{ node, step: this.step, kind, covers, position, a, b, error, count },
      of: value.data.length,
    });
  }
}
