import { describe, expect, it } from "vitest";
import { UsageError } from "../errors.js";
import type { Graph } from "../graph/types.js";
import { buildModel } from "./build-model.js";

const small = { classes: 10, input: [3, 32, 32] as const };

/** Every grid as "bits, clip, leading dimensions of a group", by node. */
function grids(graph: Graph): { [node: string]: string } {
  const found = graph.nodes.filter(({ op }) => op.startsWith("quantise"));
  return Object.fromEntries(
    found.map(({ name, attrs: { bits, clip, leading } }) => [name, `${bits} ${clip} ${leading}`]),
  );
}

/** Nodes that a conv or linear node reads. */
const reads = (graph: Graph, name: string) =>
  graph.nodes.find((node) => node.name === name)!.inputs;

describe("a quantised network", () => {
  it("BNext: 8-bit stem and classifier, 4-bit gates and what they see, the image as it is", () => {
    const graph = buildModel("bnext", { ...small, widths: [8, 16, 16], quantised: "8-4-8" });
    const found = grids(graph);
    const units = ["1.Attention", "1.FFN_1", "1.FFN_2", "2.Attention", "2.FFN"];
    const gates = units.flatMap((unit) => [1, 3].map((n) => `feature.${unit}.se.se.${n}`));
    expect(found).toEqual({
      "feature.0.conv1.quantise-weight": "8 1000 2",
      ...Object.fromEntries(
        gates.flatMap((gate) => [
          [`${gate}.quantise-weight`, "4 1000 1"],
          [`${gate}.quantise`, "4 1000 1"],
        ]),
      ),
      "fc.quantise-weight": "8 25 1",
      "fc.quantise": "8 25 1",
    });
    expect(reads(graph, "feature.0.conv1")).toEqual(["x", "feature.0.conv1.quantise-weight"]);
    expect(reads(graph, "fc")).toEqual(["fc.quantise", "fc.quantise-weight", "fc.bias"]);
    expect(reads(graph, "feature.2.FFN.se.se.3.quantise")).toEqual(["feature.2.FFN.se.se.2"]);
    expect(reads(graph, "feature.2.FFN.se.se.1.quantise")).toEqual(["feature.2.FFN.mix"]);
  });

  it("BNext-18: gates see twice the bits; real shortcuts are 8-bit, by planes of the map", () => {
    const graph = buildModel("bnext-18", { ...small, width: 8, quantised: "8-4-8" });
    const found = grids(graph);
    expect(found["conv1.quantise-weight"]).toBe("8 1000 2");
    expect(found["conv1.quantise"]).toBeUndefined();
    expect(found["layer2.1.FFN.se.se.1.quantise-weight"]).toBe("4 1000 1");
    expect(found["layer2.1.FFN.se.se.1.quantise"]).toBe("8 1000 1");
    expect(found["layer1.0.Attention.downsample.1.quantise-weight"]).toBe("8 1000 1");
    expect(found["layer1.0.Attention.downsample.1.quantise"]).toBe("8 1000 2");
    expect(found["fc.quantise"]).toBe("8 25 1");
  });

  it("quantises images that are not of three channels, or whose stem has 4 bits", () => {
    const grey = buildModel("bnext-nano", { quantised: "8-32-32" });
    expect(grids(grey)).toEqual({
      "feature.0.conv1.quantise-weight": "8 1000 2",
      "feature.0.conv1.quantise": "8 1000 2",
    });
    const coarse = buildModel("bnext", { ...small, widths: [8, 16], quantised: "4-32-32" });
    expect(grids(coarse)["feature.0.conv1.quantise"]).toBe("4 1000 2");
  });

  it("has the tensors of the network that is not quantised", () => {
    for (const model of ["bnext-t", "bnext-18"]) {
      expect(buildModel(model, { quantised: "8-4-8" }).tensors).toEqual(buildModel(model).tensors);
    }
  });

  it("BNext-18: shortcuts can have bits of their own, and biases", () => {
    const graph = buildModel("bnext-18", { ...small, quantised: "32-4-8-8", shortcutBias: true });
    const found = grids(graph);
    expect(found["conv1.quantise-weight"]).toBeUndefined();
    const shortcut = "layer1.0.Attention.downsample.1";
    expect(found[`${shortcut}.quantise`]).toBe("8 1000 2");
    expect(graph.tensors[`${shortcut}.bias`].shape).toEqual([128]);
    const same = buildModel("bnext-18", { ...small, quantised: "8-4-8-8" });
    expect(same).toEqual(buildModel("bnext-18", { ...small, quantised: "8-4-8" }));
    expect(() => buildModel("bnext-t", { quantised: "8-4-8-8" })).toThrow(/each 4, 8 or 32/);
  });

  it("BNext: mixing scales can be taken as they are stored", () => {
    const clamps = (storedScale: boolean) =>
      buildModel("bnext", { ...small, widths: [8, 8], storedScale })
        .nodes.filter(({ name }) => name.endsWith(".scale.clamp"))
        .map(({ attrs }) => attrs.when);
    expect(clamps(false)).toEqual(["training", "always"]);
    expect(clamps(true)).toEqual(["training", "training"]);
  });

  it("takes three channels at 8 bits for a colour image, in gates too", () => {
    const graph = buildModel("bnext", { ...small, widths: [24, 24], quantised: "8-8-8" });
    const found = grids(graph);
    expect(found["feature.1.FFN.se.se.1.quantise"]).toBe("8 1000 1");
    expect(found["feature.1.FFN.se.se.3.quantise"]).toBeUndefined();
    expect(found["feature.1.FFN.se.se.3.quantise-weight"]).toBe("8 1000 1");
  });

  it("takes 4, 8 and 32 bits", () => {
    expect(grids(buildModel("bnext-nano", { quantised: "32-32-32" }))).toEqual({});
    for (const quantised of ["8", "8-4", "8-2-8", "8-4-8-8", "", 848 as unknown as string]) {
      expect(() => buildModel("bnext-nano", { quantised })).toThrow(UsageError);
    }
    expect(() => buildModel("reactnet-a", { quantised: "8-4-8" })).toThrow(/no switch "quantised"/);
  });
});
