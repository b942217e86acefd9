import { OnebitError } from "../errors.js";
import type { Node, Tensor } from "../graph/types.js";
import { opNamed } from "../ops/index.js";
import type { EvaluateContext } from "../ops/op.js";
import { checkHard } from "./temperature.js";

/** What an exactly zero latent weight counts as. */
export type ZeroWeights = 1 | -1;

/**
 * The binary weights of a binarize-weight node. Refuses weights that are not binary yet, and weights
 * that are exactly 0 unless told what they count as.
 */
export function hardWeights(
  node: Node,
  inputs: readonly Tensor[],
  context: EvaluateContext,
  zeroWeights?: ZeroWeights,
): Tensor {
  const [latent, temperature] = inputs;
  if (temperature) checkHard(node.name, temperature.data[0], node.attrs.threshold as number);
  const zeros = latent.data.filter((w) => w === 0).length;
  if (zeros && zeroWeights === undefined) {
    throw new OnebitError(
      `${node.inputs[0]}: ${zeros} of ${latent.data.length} weights are exactly 0, a 1-bit network has none. ` +
        "Is this a step-1 checkpoint? To go on, say what they count as: zero weights +1 or -1",
    );
  }
  const attrs = { ...node.attrs, zero: zeroWeights ?? -1 };
  return opNamed(node.op).evaluate(inputs, attrs, context)[0];
}

/**
 * Splits binarised weights [O, ...] into signs and one magnitude per output channel (mean|w| for
 * ReActNet, 1 for BNext), which goes into the affine map after the convolution.
 */
export function splitMagnitudes(
  name: string,
  weight: Tensor,
): { signs: Float64Array; magnitudes: Float64Array } {
  const rows = weight.shape[0];
  const length = weight.data.length / rows;
  const signs = new Float64Array(weight.data.length);
  const magnitudes = new Float64Array(rows);
  for (let o = 0; o < rows; o++) {
    const magnitude = Math.abs(weight.data[o * length]);
    magnitudes[o] = magnitude;
    for (let i = o * length; i < (o + 1) * length; i++) {
      const w = weight.data[i];
      if (Math.abs(w) !== magnitude) {
        throw new OnebitError(
          `${name}: its weight is not binary (output channel ${o} holds ${weight.data[o * length]} and ${w}); binarise it first (op binarize-weight)`,
        );
      }
      signs[i] = w > 0 ? 1 : -1;
    }
  }
  return { signs, magnitudes };
}
