import type { OnnxNode } from "../../readers/onnx/graph.js";
import type { Constants } from "./constants.js";

/** A map whose axes are split, two of them swapped, and joined again. */
export interface ShufflePattern {
  readonly x: string;
  /** As the file writes them: 0 is as before, -1 what is left. */
  readonly apart: readonly number[];
  readonly joined: readonly number[];
}

/**
 * ShuffleNet's channel shuffle, as exporters write it: [N, C, H, W] to [N, g, C / g, ...], both axes swapped, and
 * back; undefined where a node is none.
 */
export function shufflePattern(node: OnnxNode, constants: Constants): ShufflePattern | undefined {
  const swap = node.op === "Reshape" ? constants.producer(node.inputs[0]) : undefined;
  if (swap?.op !== "Transpose") return undefined;
  const perm = String(swap.attributes.get("perm"));
  const split = constants.producer(swap.inputs[0]);
  if (split?.op !== "Reshape" || !["0,2,1,3", "0,2,1,3,4"].includes(perm)) return undefined;
  const [apart, joined] = [split, node].map(({ inputs }) => constants.get(inputs[1])?.data);
  if (!apart || joined?.length !== 4 || apart.length !== (perm.length + 1) / 2) return undefined;
  return { x: split.inputs[0], apart: [...apart], joined: [...joined] };
}

/** In how many groups a pattern shuffles the channels of a map; undefined where it moves anything else. */
export function shuffledGroups(
  { apart, joined }: ShufflePattern,
  shape: readonly number[],
): number | undefined {
  const [, channels, height, width] = shape;
  const groups = apart[1] === -1 ? channels / apart[2] : apart[1];
  const each = channels / groups;
  const pixels = apart.length === 4 ? [height * width] : [height, width];
  const split = fits(apart, [1, groups, each, ...pixels], shape);
  const swapped = [1, each, groups, ...pixels];
  return split && fits(joined, shape, swapped) && Number.isInteger(each) ? groups : undefined;
}

/** Whether a Reshape of `from` to what a file writes gives `wanted`, which has as many elements. */
function fits(
  written: readonly number[],
  wanted: readonly number[],
  from: readonly number[],
): boolean {
  const open = written.filter((size) => size === -1).length;
  return (
    open < 2 &&
    written.every((size, i) => size === -1 || (size === 0 ? from[i] : size) === wanted[i])
  );
}
