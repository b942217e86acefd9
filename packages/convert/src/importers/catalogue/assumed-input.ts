import { typesOf } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import type { InputSize } from "../preprocess.js";

/** Larger is no assumption any more. */
const LARGEST = 512;

/**
 * The input to assume, in twice or four times the size where the last map would be a single pixel:
 * from such a map nothing could tell later that other sizes are possible.
 */
export function assumedInput(
  arch: string,
  options: Omit<ModelOptions, "input">,
  [channels, height, width]: InputSize,
): InputSize {
  const input = [channels, height, width] as const;
  const graph = buildModel(arch, { ...options, input });
  const types = typesOf(graph);
  const maps = Object.values(graph.outputs).map((value) => types.get(value)!.shape);
  const isPixel = maps.some((shape) => shape.length === 4 && shape[2] === 1);
  if (!isPixel || height * 2 > LARGEST) return input;
  return assumedInput(arch, options, [channels, height * 2, width * 2]);
}
