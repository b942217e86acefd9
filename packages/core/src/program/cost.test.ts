import { describe, expect, it } from "vitest";
import { typesOf } from "../graph/types-of.js";
import { buildModel } from "../models/index.js";
import { opNamed } from "../ops/index.js";
import { pack } from "../pack/index.js";
import { randomWeights } from "../test-support/random-weights.js";
import { programCost } from "./cost.js";

describe("programCost", () => {
  it.each(["bnext-nano", "reactnet-nano"])("counts %s as its graph does", (name) => {
    const graph = buildModel(name);
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const cost = programCost(program);
    const types = typesOf(graph);
    const macs = (binary: boolean) =>
      graph.nodes
        .filter(({ op }) => (op === "binary-conv") === binary)
        .map(({ op, inputs, name, attrs }) => {
          const inputTypes = inputs.map((input) => types.get(input)!);
          return opNamed(op).cost(inputTypes, [types.get(name)!], attrs).macs;
        })
        .reduce((a, b) => a + b);
    expect(cost.binaryMacs).toBe(macs(true));
    expect(cost.macs).toBe(macs(false));
    expect(cost.steps.map(({ kind }) => kind)).toEqual(program.steps.map(({ kind }) => kind));
    const bytes = Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
    // A vector that several steps share counts in each.
    expect(cost.weightBytes).toBeGreaterThanOrEqual(bytes);
    expect(cost.weightBytes).toBeLessThan(1.2 * bytes);
  });
});
