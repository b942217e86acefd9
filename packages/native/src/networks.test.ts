import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import { forOutputs } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { channelsLast } from "../../core/src/test-support/compare-packed.js";
import { expectSameFloats } from "../../core/src/test-support/packed-step.js";
import { randomImages, randomWeights } from "../../core/src/test-support/random-weights.js";
import { smallNetworks } from "../../core/src/test-support/small-networks.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const wide = { ...small, input: [3, 64, 64] as const, widths: [32, 64, 128, 256, 512, 1024] };

const networks: typeof smallNetworks = [
  ...smallNetworks,
  ["bnext of the tiny one's widths", "bnext", wide],
];

const isas = isasUnderTest();

describe.runIf(isas.length > 0)("packed networks give the bits of the reference", () => {
  it.each(networks)("%s", async (_, model, options) => {
    const graph = buildModel(model, options);
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const image = channelsLast(randomImages(graph.inputs[0].shape, 2));
    const expected = await (await reference.compile(program, tensors, { threads: 1 })).run(
      image,
      1,
    );
    for (const isa of isas) {
      for (const threads of [1, 2]) {
        const executable = await nativeWith({ isa }).compile(program, tensors, { threads });
        const actual = await executable.run(image, 1);
        expect(Object.keys(actual)).toEqual(Object.keys(expected));
        for (const [name, values] of Object.entries(expected)) {
          expectSameFloats(actual[name], values, `${isa}, ${threads} threads, ${name}`);
        }
        executable.dispose();
        const pruned = await nativeWith({ isa }).compile(forOutputs(program, ["logits"]), tensors, {
          threads,
        });
        const { logits } = await pruned.run(image, 1);
        expectSameFloats(logits, expected.logits, `${isa}, ${threads} threads, logits alone`);
        pruned.dispose();
      }
    }
  });
});
