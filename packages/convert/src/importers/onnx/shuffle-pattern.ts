import type { OnnxNode } from "../../readers/onnx/graph.js";
import type { Constants } from "./constants.js";

/**
 * ShuffleNet's channel shuffle, as exporters write it: [N, C, H, W] to [N, g, C / g, ...], both axes swapped, and
 * back. What is shuffled, and g; undefined where a node is none.
 */
export function shufflePattern(
  node: OnnxNode,
  constants: Constants,
): { readonly x: string; readonly groups: number } | undefined {
  const swap = node.op === "Reshape" ? constants.producer(node.inputs[0]) : undefined;
  if (swap?.op !== "Transpose") return undefined;
  const perm = String(swap.attributes.get("perm"));
  const split = constants.producer(swap.inputs[0]);
  if (split?.op !== "Reshape" || !["0,2,1,3", "0,2,1,3,4"].includes(perm)) return undefined;
  const [apart, joined] = [split, node].map(({ inputs }) => constants.get(inputs[1])?.data);
  if (!apart || joined?.length !== 4 || apart.length !== (perm.length + 1) / 2) return undefined;
  const [, groups, each] = apart;
  return joined[1] === -1 || joined[1] === groups * each
    ? { x: split.inputs[0], groups }
    : undefined;
}
