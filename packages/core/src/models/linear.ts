import { linear, network } from "../graph/layers.js";
import type { Graph } from "../graph/types.js";
import type { ModelEntries } from "./entry.js";
import { type BuildOptions, inputShape } from "./options.js";

/** Logistic regression on the pixels: the yardstick that a data set's difficulty is read from. */
export function linearModel(name: string, options: BuildOptions): Graph {
  return network(name, inputShape(options), (b, x) => {
    const features = b.op("reshape", [x], { shape: [0, -1] }, "flatten");
    b.output("features", features);
    return linear(b, "fc", features, options.classes);
  });
}

export const linearModels: ModelEntries = {
  linear: {
    family: "linear",
    description: "Logistic regression on the pixels, to see how hard a data set is",
    classes: 10,
    input: [1, 28, 28],
    switches: [],
    defaults: {},
    build: linearModel,
  },
};
