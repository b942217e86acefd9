import type { OnnxNode } from "../../readers/onnx/graph.js";

/**
 * A straight-through estimator as PyTorch exports it: detach() is nothing in ONNX, and
 *
 *   sign(x).detach() - f(x).detach() + f(x)
 *
 * becomes Add(Sub(a, b), b), whose value is meant to be that of a; as a sum in float32 it is not quite. The name
 * of a; undefined where a node is none.
 */
export function straightThrough(
  { op, domain, inputs }: OnnxNode,
  producer: (value: string) => OnnxNode | undefined,
): string | undefined {
  if (op !== "Add" || domain !== "" || inputs.length !== 2) return undefined;
  for (const [difference, other] of [inputs, inputs.toReversed()]) {
    const node = producer(difference);
    if (node?.op === "Sub" && node.domain === "" && node.inputs[1] === other) return node.inputs[0];
  }
  return undefined;
}
