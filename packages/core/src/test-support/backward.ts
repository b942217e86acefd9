import { type GraphBuilder, outputNames } from "../graph/builder.js";
import type { Mode } from "../graph/types.js";
import { opNamed } from "../ops/index.js";

/**
 * Goes back through everything that `b` holds, from the gradient of `output`, and returns the
 * gradient of every value that was reached. The plainest reverse pass there is: no pruning, no
 * estimators of the user's.
 */
export function backward(
  b: GraphBuilder,
  output: string,
  gradient: string,
  mode: Mode,
): Map<string, string> {
  const gradients = new Map([[output, gradient]]);
  for (const node of b.build().nodes.toReversed()) {
    const outputs = outputNames(node);
    const gradOutputs = outputs.map((value) => gradients.get(value));
    const rule = opNamed(node.op).gradient;
    if (!rule || gradOutputs.every((g) => g === undefined)) continue;
    const { inputs, attrs } = node;
    const needs = inputs.map(() => true);
    const results = rule({ b, mode, inputs, outputs, gradOutputs, needs, estimators: {} }, attrs);
    results.forEach((result, i) => {
      if (result === undefined) return;
      const known = gradients.get(inputs[i]);
      gradients.set(inputs[i], known === undefined ? result : b.op("add", [known, result]));
    });
  }
  return gradients;
}
