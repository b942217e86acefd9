import type { TensorRole } from "onebit/graph";

export type OptimiserKind = "adam" | "adamw" | "sgd";

/** Tensors that meet any of the conditions belong to the group; the first fitting group wins. */
export interface GroupRule {
  readonly name: string;
  readonly rank?: number;
  readonly nameIncludes?: string;
  readonly role?: TensorRole;
  readonly weightDecay: number;
  /** Factor on the learning rate, 1 by default. */
  readonly learningRateScale?: number;
}

/** An optimiser and its constants. */
export interface OptimiserConfig {
  readonly kind: OptimiserKind;
  /** Adam and AdamW: decay of the running mean and of the running mean square. */
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** SGD. */
  readonly momentum: number;
  readonly nesterov: boolean;
  /** For tensors in no group. AdamW decays the weights directly, Adam and SGD add it to the gradient. */
  readonly weightDecay: number;
  readonly groups: readonly GroupRule[];
}

/** PyTorch's defaults. */
export const adamDefaults: OptimiserConfig = {
  kind: "adam",
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  momentum: 0.9,
  nesterov: false,
  weightDecay: 0,
  groups: [],
};

/** Flat arrays that the optimiser keeps beside the weights, under PyTorch's names. */
export function momentNames(config: OptimiserConfig): readonly string[] {
  switch (config.kind) {
    case "adam":
    case "adamw":
      return ["exp_avg", "exp_avg_sq"];
    case "sgd":
      return config.momentum > 0 ? ["momentum_buffer"] : [];
    default:
      return config.kind satisfies never;
  }
}
