import { evaluate, sizeOf, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { describe, expect, it } from "vitest";
import { randomImages, randomWeights } from "../../../core/src/test-support/random-weights.js";
import { smallNetworks } from "../../../core/src/test-support/small-networks.js";
import { trainingGraph } from "../engine/plan.js";
import { gradientOutput } from "./index.js";

// BNexts have goldens of whole training steps; the presets are larger, and of the same parts.
const networks = smallNetworks.filter(([label]) => !/^bnext|nano$/.test(label));

describe("every small network", () => {
  it.each(networks)("%s has a gradient for all that it trains", (_, name, options) => {
    const network = buildModel(name, { ...options, batch: 2 });
    const graph = trainingGraph(network);
    const [{ shape }] = network.inputs;
    const target = graph.inputs.find((input) => input.name === "target")!.shape;
    const probabilities = new Float32Array(sizeOf(target)).fill(1 / target[1]);
    const feeds: { [name: string]: Tensor | number } = {
      x: randomImages(shape, 3),
      temperature: 0.5,
      target: { shape: target, data: probabilities },
    };
    const given = Object.fromEntries(
      graph.inputs.map(({ name: input }) => [input, feeds[input]] as const),
    );
    const { outputs } = evaluate(graph, given, randomWeights(network, 1), { mode: "training" });
    expect(Number.isFinite(outputs.loss.data[0])).toBe(true);
    for (const [key, { kind }] of Object.entries(network.tensors)) {
      const gradient = outputs[gradientOutput(key)];
      expect(gradient !== undefined, key).toBe(kind === "parameter");
      if (gradient) expect(gradient.data.every(Number.isFinite), key).toBe(true);
    }
  });
});
