import { evaluate, type Graph, type Tensor } from "onebit/graph";
import { buildModel } from "onebit/models";
import { pack, unpack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { rng } from "../data/random.js";
import { initialTensors } from "../state/index.js";
import { type ActivationLayer, activationLayers } from "./activation-layers.js";

const small = { widths: [4, 8], classes: 3, input: [1, 8, 8] } as const;

/** Every vector is something else than at the start of a training. */
function randomTensors(graph: Graph): { [key: string]: Tensor } {
  const random = rng(1, "test");
  const all = Object.entries(initialTensors(graph, 1)).map(([key, { shape, data }]) => {
    const { kind } = graph.tensors[key];
    if (kind === "mirror") return [key, { shape, data: new Float32Array(1) }];
    const isVariance = key.endsWith("running_var");
    return [key, { shape, data: data.map((x) => (isVariance ? x : x + 0.3 * random.normal())) }];
  });
  return Object.fromEntries(all);
}

const networks: [string, () => { graph: Graph; tensors: { [key: string]: Tensor } }][] = [
  ...["bnext", "reactnet"].map((name): (typeof networks)[number] => [
    name,
    () => {
      const graph = buildModel(name, small);
      return { graph, tensors: randomTensors(graph) };
    },
  ]),
  [
    "a packed reactnet",
    () => {
      const graph = buildModel("reactnet", small);
      const { program, tensors } = pack(graph, randomTensors(graph));
      return { ...unpack(program, tensors) };
    },
  ],
];

describe.each(networks)("of %s", (_, make) => {
  const { graph, tensors } = make();
  const layers = activationLayers(graph, tensors);
  const scalars = { temperature: 0 };
  const random = rng(2, "image");
  const x = { shape: [1, 1, 8, 8], data: Float32Array.from({ length: 64 }, () => random.normal()) };
  const { values } = evaluate(graph, { x, ...scalars }, tensors);

  it("every sign and PReLU is there, in order", () => {
    const ops = graph.nodes.filter(({ op }) => op === "sign" || op === "prelu");
    expect(layers.map(({ name }) => name)).toEqual(ops.map(({ name }) => name));
  });

  it("thresholds, slopes and shifts give what the network computes", () => {
    for (const layer of layers) {
      const { shape, data } = values.get(layer.input)!;
      const output = values.get(layer.kind === "sign" ? layer.name : layer.output)!;
      const size = (shape[2] ?? 1) * (shape[3] ?? 1);
      data.forEach((value, i) => {
        const channel = Math.floor(i / size) % shape[1];
        expect(output.data[i]).toBeCloseTo(formula(layer, value, channel), 4);
      });
    }
  });
});

function formula(layer: ActivationLayer, x: number, c: number): number {
  if (layer.kind === "sign") return x > (layer.threshold?.[c] ?? 0) ? 1 : -1;
  const t = x + (layer.before?.[c] ?? 0);
  return (t > 0 ? t : layer.slope[c] * t) + (layer.after?.[c] ?? 0);
}

it("tells a shift behind a PReLU from the threshold of the sign after it", () => {
  const graph = buildModel("reactnet", small);
  const layers = activationLayers(graph, randomTensors(graph));
  const prelus = layers.filter((layer) => layer.kind === "prelu");
  expect(prelus).not.toEqual([]);
  for (const { before, after } of prelus) expect(before && after).toBeDefined();
});
