import { OnebitError } from "onebit";
import type { Tensors } from "./catalogued.js";
import { dimension, type Shapes } from "./shapes.js";

/** Output channels of layers, one after the other; undefined where they are the published ones. */
export function widthsOf(
  shapes: Shapes,
  layers: readonly string[],
  published: readonly number[],
): readonly number[] | undefined {
  const widths = layers.map((layer) =>
    dimension(shapes, `${layer}.weight`, 0, "how wide a layer is"),
  );
  return widths.join() === published.join() ? undefined : widths;
}

/** The side of the map that a hidden layer sees flattened. OnebitError where it is no square. */
export function lastMapSide(stored: Tensors, hidden: string, convolution: string): number {
  const shapes: Shapes = new Map([...stored].map(([key, { shape }]) => [key, shape]));
  const [input, map] = [`${hidden}.weight`, `${convolution}.weight`];
  const inputs = dimension(shapes, input, 1, "how large the last map is");
  const channels = dimension(shapes, map, 0, "how wide the last map is");
  const side = Math.sqrt(inputs / channels);
  if (Number.isInteger(side)) return side;
  throw new OnebitError(
    `${input} takes ${inputs} inputs, which is no square map of ${channels} channels (${map})`,
  );
}
