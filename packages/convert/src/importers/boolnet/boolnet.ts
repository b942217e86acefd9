import type { Switches } from "onebit/models";
import { catalogued, type FamilyKeys } from "../catalogue/catalogued.js";
import { dimension, resnet, type Shapes } from "../catalogue/shapes.js";
import type { Importer } from "../importer.js";

/**
 * BoolNet and BaseNet, of any width, depths and slices. Source of their keys: hpi-xnor/BoolNet, BoolNet_k_4 and
 * BaseNet_k_4, src/models. Signs are taken whatever a temperature says, as there in evaluation.
 */
const family = {
  members: /^(conv1|maxpool|ghostbnsign|layer\d+|prelu2|fc)\./,
  stem: "conv1.weight",
  form: async () => ({ form: "binary" as const }),
} satisfies Partial<FamilyKeys>;

export const boolnet: Importer = catalogued({
  ...family,
  family: "boolnet",
  mark: /^ghostbnsign\.adaptive_zero_points\./,
  switches: (shapes) => ({
    ...slicedResnet(shapes, 2),
    dilated: [2, 3, 4].map((stage) => isDilated(shapes, stage)),
  }),
});

export const basenet: Importer = catalogued({
  ...family,
  family: "basenet",
  mark: /^ghostbnsign\.0\.running_mean$/,
  switches: (shapes) => slicedResnet(shapes, 1),
});

/** parts: of as many channels as its stage has, a slice of a block's input. */
function slicedResnet(shapes: Shapes, parts: 1 | 2): Switches {
  const { width, depths, stem } = resnet(shapes, 1, []);
  const shortcut = "layer2.0.downsample.0";
  const what = "how many slices there are";
  const inputs = dimension(shapes, `${shortcut}.weight`, 1, what);
  const channels = parts * dimension(shapes, "conv1.weight", 0, what);
  // A real shortcut has a group for each slice, which hides how many there are: four, as published.
  const real = !shapes.has(`${shortcut}.temperature`);
  const slices = real ? undefined : inputs / channels;
  return { width, depths, stem, slices, realShortcut: real ? true : undefined };
}

/** A shortcut that pools has its batch-norm behind the pooling. */
function isDilated(shapes: Shapes, stage: number): boolean {
  return shapes.has(`layer${stage}.0.downsample.1.running_mean`);
}
