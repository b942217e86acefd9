import { UsageError } from "../errors.js";
import type { Tensors } from "../graph/constants.js";
import type { Graph } from "../graph/types.js";
import { checkProgram } from "../program/check.js";
import type { Program, ProgramTensors } from "../program/types.js";
import type { ZeroWeights } from "./binary-weights.js";
import { emit } from "./emit.js";
import { foldAffine } from "./fold-affine.js";
import { mergeSiblings } from "./merge-siblings.js";
import { Placement } from "./place.js";
import { recomputable } from "./recompute.js";
import { specialise } from "./specialise.js";
import { translate } from "./translate.js";

/** What packing cannot know from graph and tensors. */
export interface PackOptions {
  /** Value of the input "temperature"; default: the highest that the tensors mirroring it hold. */
  readonly temperature?: number;
  /** What exactly zero binary weights count as; default: they are an error. */
  readonly zeroWeights?: ZeroWeights;
}

/** A packed network: what a `.onebit` file holds, and backends run. */
export interface Packed {
  readonly program: Program;
  readonly tensors: ProgramTensors;
}

/**
 * Graph and tensors to a program of 1-bit and float steps, for inference on one image at a time.
 *
 *   specialise   one image, inference mode; what depends on weights alone becomes constant
 *   translate    graph ops to pack ops; batch-norms and biases to affine maps, signs to thresholds
 *   foldAffine   chains of affine maps to one
 *   place        element-wise ops to the steps that produce their inputs
 *   recompute    which values are computed again rather than stored
 *   emit         steps, values and tensors
 *   merge        convolutions of the same bits, side by side, to one
 *
 * OnebitError where the weights are not binary yet, are exactly 0, or are not finite, and where the
 * graph holds something that has no packed form; the message names the node.
 */
export function pack(graph: Graph, tensors: Tensors, options: PackOptions = {}): Packed {
  const { zeroWeights, temperature } = options;
  if (zeroWeights !== undefined && zeroWeights !== 1 && zeroWeights !== -1) {
    throw new UsageError(`zeroWeights ${zeroWeights}: must be 1 or -1`);
  }
  const network = foldAffine(translate(specialise(graph, tensors, temperature), zeroWeights));
  const placement = new Placement(network);
  const first = emit(network, placement);
  const recomputed = recomputable(network, first.readers);
  const packed = mergeSiblings(emit(network, placement, recomputed));
  checkProgram(packed.program, packed.tensors);
  return packed;
}
