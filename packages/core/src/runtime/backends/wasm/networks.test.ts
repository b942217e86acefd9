import { describe, expect, it } from "vitest";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { forOutputs } from "../../../program/passes/for-outputs.js";
import { channelsLast } from "../../../test-support/compare-packed.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { smallNetworks } from "../../../test-support/small-networks.js";
import { reference } from "../reference/index.js";
import { wasm } from "./index.js";

describe("packed networks give the bits of the reference", () => {
  it.each(smallNetworks)("%s", async (_, model, options) => {
    const graph = buildModel(model, options);
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const image = channelsLast(randomImages(graph.inputs[0].shape, 2));
    const threads = { threads: 1 };
    const expected = await (await reference.compile(program, tensors, threads)).run(image, 1);
    const actual = await (await wasm.compile(program, tensors, threads)).run(image, 1);
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, name);
    }
    const pruned = forOutputs(program, ["logits"]);
    const { logits } = await (await wasm.compile(pruned, tensors, threads)).run(image, 1);
    expectSameFloats(logits, expected.logits, "logits alone");
  });
});
