import type { TensorRole } from "onebit/graph";

/** Tensors that meet any of the conditions belong to the group; the first fitting group wins. */
export interface GroupRule {
  readonly name: string;
  readonly rank?: number;
  readonly nameIncludes?: string;
  /** A whole key, where * stands for any characters: "layer4.*". */
  readonly pattern?: string;
  readonly role?: TensorRole;
  /** Default: the optimiser's. */
  readonly weightDecay?: number;
  /** Factor on the learning rate, 1 by default. */
  readonly learningRateScale?: number;
  /** Another optimiser for this group, with the same constants. */
  readonly kind?: string;
}

/** An optimiser and its constants. */
export interface OptimiserConfig {
  /** A name of OPTIMISERS, or the path of a module whose default export is an Optimiser. */
  readonly kind: string;
  /** Adam, AdamW and RAdam: decay of the running mean and of the running mean square. */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** SGD. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** Bop: weight of a step's gradient in the running mean, and how far that must be from 0. */
  readonly adaptivity: number;
  readonly threshold: number;
  /** For tensors in no group. AdamW decays the weights directly, others add it to the gradient. */
  readonly weightDecay: number;
  readonly groups: readonly GroupRule[];
  /** Factors on the learning rate besides those of the groups; the first pattern that fits counts. */
  readonly rates?: readonly RateRule[];
  /** Keys of tensors that are not trained, in which * stands for any characters: see `freeze`. */
  readonly freeze?: readonly string[];
}

/** So much faster or slower are tensors trained whose keys fit, * standing for any characters. */
export interface RateRule {
  readonly pattern: string;
  readonly factor: number;
}

/** PyTorch's defaults; Bop's are those of its paper for CIFAR-10. */
export const adamDefaults: OptimiserConfig = {
  kind: "adam",
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  momentum: 0.9,
  nesterov: false,
  adaptivity: 1e-4,
  threshold: 1e-8,
  weightDecay: 0,
  groups: [],
  rates: [],
  freeze: [],
};
