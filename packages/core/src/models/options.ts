import type { Shape } from "../graph/types.js";
import type { WeightEstimator } from "../ops/weight-estimators.js";

/**
 * Weight form. binary: 1-bit weights and activations. step1: real weights, binary activations, the
 * first half of two-stage training. real: the real-valued twin, without signs.
 */
export type Form = "binary" | "step1" | "real";

/**
 * What Info-RCP's gate looks at. mix: the learned mix of input and output (BNext). input: the
 * unit's input, as in Real-to-Binary. none: no gate (and no mix), BNext's ablation.
 */
export type Gate = "mix" | "input" | "none";

/** imagenet: 7x7 stride 2, then 3x3 max-pool stride 2. small: 3x3 stride 1, no pooling. */
export type Stem = "imagenet" | "small";

/** What follows a sum or a batch-norm. */
export type Activation = "relu" | "relu6" | "none" | "prelu" | "rprelu";

/** The 1x1 convolutions of blocks that widen: 1-bit, or real in 4 groups or in one. */
export type Widening = "binary" | "grouped" | "real";

/** What can be varied about a model; each takes only some (see ModelEntry.switches). */
export interface Switches {
  /** Channels of the stem, then of every block (BNext, ReActNet-A). */
  readonly widths?: readonly number[];
  /** Channels of the first of four stages (ResNet-like networks). */
  readonly width?: number;
  /** So many times the channels that the network is published with (PokeBNN); a multiple of 0.25. */
  readonly widthMultiplier?: number;
  /** Blocks of each stage (ResNet-like networks). */
  readonly depths?: readonly number[];
  /** Stride of the stem's convolution (BNext: 2 for 1000 classes, else 1; ReActNet-A: 2). */
  readonly stemStride?: 1 | 2;
  readonly stem?: Stem;
  /** Element-wise attention in every even block (BNext). */
  readonly elm?: boolean;
  readonly gate?: Gate;
  /** Channels divided by this inside a gate. */
  readonly seReduction?: number;
  /**
   * Standard deviation of the latent weights at the start (BNext). The published 0.001 is made for
   * hundreds of epochs: an Adam step moves such weights by more than their size.
   */
  readonly latentStd?: number;
  /**
   * Bits of stem, gates and classifier, such as "8-4-8" (BNext's quantised networks); each 4, 8 or
   * 32, which is not quantised. BNext-18: a fourth for the real shortcuts, "32-4-8-8", which
   * otherwise have the stem's.
   */
  readonly quantised?: string;
  /**
   * Evaluation takes mixing scales as they are stored, as BNext's official quantised class does; else
   * 1x1 units clamp theirs to [0, 1] (BNext).
   */
  readonly storedScale?: boolean;
  /** Blocks of 1x1, 3x3 and 1x1 convolutions, as from ResNet-50 on (float ResNets). */
  readonly bottleneck?: boolean;
  /** Where blocks of a float ResNet for CIFAR widen: channels of zeros, or a real 1x1 convolution. */
  readonly shortcut?: "zeros" | "conv";
  /**
   * MobileNetV1: ReLU that clips at 6 or does not. ReActNet: RPReLU; its ablations have a PReLU, which does
   * not shift, or nothing.
   */
  readonly activation?: Activation;
  /** The 1x1 convolutions of widening blocks: "grouped" makes ReActNet-A a -B, "real" a -C. */
  readonly widening?: Widening;
  /** Signs have learnable thresholds; without them they are at 0, ReActNet's ablation. */
  readonly rsign?: boolean;
  /**
   * What stands in for the derivative of an activation's sign: "approx" (ReActNet's own), "clip" (BNext's own,
   * here with a window of 1.5, of ReActNet with 1), "swish", "identity", or one given in `estimators`.
   */
  readonly estimator?: string;
  /** The same of a latent weight's sign: "clip" (ReActNet's own), "identity" (BNext's own), "magnitude" (Bi-Real Net's
   * article), "scaled" (XNOR-Net's own). */
  readonly weightEstimator?: WeightEstimator;
  /** Thresholds that every map is compared with, which makes so many maps of signs: 1, or an even number (BoolNet). */
  readonly slices?: number;
  /** Of the stages that halve the map: whether they dilate convolutions instead (BoolNet). */
  readonly dilated?: readonly boolean[];
  /** The 1x1 shortcuts have real weights, and the maps pooled are means (BoolNet). */
  readonly realShortcut?: boolean;
  /** The real 1x1 shortcuts have biases, as in the official quantised class (BNext-18). */
  readonly shortcutBias?: boolean;
}

/** What every architecture takes. */
export interface BuildOptions {
  readonly classes: number;
  /** Channels, height, width. */
  readonly input: readonly [number, number, number];
  readonly batch?: number;
  readonly form?: Form;
}

/** What buildModel() takes: the common options, and the switches that an architecture has. */
export type ModelOptions = BuildOptions & Switches;

export function inputShape({ batch = 1, input }: BuildOptions): Shape {
  return [batch, ...input];
}
