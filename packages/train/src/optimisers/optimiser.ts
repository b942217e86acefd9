import type { TensorRole } from "onebit/graph";
import type { OptimiserConfig } from "./config.js";

/** An optimiser: what it keeps beside the weights, and one step of it. In a file of its own. */
export interface Optimiser {
  /** What `kind` of a recipe's optimiser says. */
  readonly name: string;
  /** In one line, for lists. */
  readonly description: string;
  /** Paper and equation. */
  readonly source: string;
  /** The constants of its configuration that it reads: those are checked. */
  readonly constants: readonly Constant[];
  /** The only tensors that it is for; absent: any. */
  readonly role?: TensorRole;
  /** Names of the flat arrays that it keeps, zero at first; PyTorch's where it has them. */
  moments(config: OptimiserConfig): readonly string[];
  /**
   * Changes the weights of one group, elements [start, end) of all arrays, in place. What it reads of
   * the gradients is multiplied by `gradientScale`.
   */
  step(arrays: FlatArrays, group: GroupStep, config: OptimiserConfig): void;
}

/** Flat arrays over everything that is trained. */
export interface FlatArrays {
  readonly weights: Float32Array;
  readonly gradients: Float32Array;
  readonly moments: { readonly [name: string]: Float32Array };
}

/** One optimiser step over one group: [start, end) is its range in the flat arrays. */
export interface GroupStep {
  readonly start: number;
  readonly end: number;
  readonly learningRate: number;
  readonly weightDecay: number;
  /** 1 for the first step. */
  readonly step: number;
  /** Factor on the gradient (averaging, clipping). */
  readonly gradientScale: number;
}

/** A number of an optimiser's configuration. */
export type Constant =
  | "beta1"
  | "beta2"
  | "epsilon"
  | "momentum"
  | "weightDecay"
  | "adaptivity"
  | "threshold";
