import type { OptimiserConfig } from "./config.js";
import type { ParameterGroup } from "./groups.js";
import type { Optimiser } from "./optimiser.js";

/** What the second half of a training step changes. */
export interface OptimiserState {
  /** All tensors; the trained ones come first, in the order of the groups. */
  readonly values: Float32Array;
  /** One array per moment (see momentNames), over the trained part. */
  readonly moments: { readonly [name: string]: Float32Array };
  /** Running average of the trained part, where asked for. */
  readonly average?: Float32Array;
  /** Optimiser steps done. */
  step: number;
}

export interface UpdateScalars {
  readonly learningRate: number;
  /** Factor on the gradient before clipping: 1 / number of accumulated micro-batches. */
  readonly gradientScale: number;
  /** Largest global norm of the gradient; null for no clipping. */
  readonly clip: number | null;
  /** Decay of the running average of the weights; null for none. */
  readonly averageDecay: number | null;
}

/** A configuration, and the optimisers that it names, by their names (optimisersOf). */
export interface Optimising {
  readonly config: OptimiserConfig;
  readonly optimisers: { readonly [kind: string]: Optimiser };
}

/**
 * Clips by global norm, applies the optimiser to every group, moves the running average.
 * Returns the global norm of the gradient before clipping; where that is not finite, nothing
 * has been changed.
 */
export function update(
  state: OptimiserState,
  gradients: Float32Array,
  groups: readonly ParameterGroup[],
  { config, optimisers }: Optimising,
  { learningRate, gradientScale, clip, averageDecay }: UpdateScalars,
): number {
  const norm = gradientScale * globalNorm(gradients);
  if (!Number.isFinite(norm)) return norm;
  state.step++;
  const scale = gradientScale * clipFactor(norm, clip);
  const { values: weights, moments } = state;
  for (const { kind, start, end, weightDecay, learningRateScale } of groups) {
    const group = {
      ...{ start, end, weightDecay, step: state.step, gradientScale: scale },
      learningRate: learningRate * learningRateScale,
    };
    optimisers[kind].step({ weights, gradients, moments }, group, config);
  }
  if (state.average && averageDecay !== null) {
    moveAverage(state.average, state.values, gradients.length, averageDecay);
  }
  return norm;
}

/** Euclidean norm over all parameters, summed in float64. */
export function globalNorm(gradients: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradients.length; i++) sum += gradients[i] * gradients[i];
  return Math.sqrt(sum);
}

/** PyTorch's clip_grad_norm_: min(1, clip / (norm + 1e-6)). */
export function clipFactor(norm: number, clip: number | null): number {
  return clip === null ? 1 : Math.min(1, clip / (norm + 1e-6));
}

/** average ← d · average + (1 - d) · weights. */
function moveAverage(average: Float32Array, weights: Float32Array, n: number, d: number): void {
  for (let i = 0; i < n; i++) average[i] += (1 - d) * (weights[i] - average[i]);
}
