import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import { forOutputs, withMaps } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { channelsLast } from "../../core/src/test-support/compare-packed.js";
import { narrowCorners } from "../../core/src/test-support/narrow-corners.js";
import { expectSameFloats } from "../../core/src/test-support/packed-step.js";
import { randomImages, randomWeights } from "../../core/src/test-support/random-weights.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();

/** Enough rows that threads share them, maps in blocks of 16 channels. */
const graph = buildModel("bnext", {
  classes: 7,
  input: [3, 64, 64],
  widths: [32, 64, 128, 256, 512, 1024],
});
const packed = pack(graph, randomWeights(graph, 1));

describe.runIf(isas.length > 0)("narrow maps of the native backend", () => {
  it("are rounded as the contract says", async () => {
    for (const channels of [1, 16, 37, 48, 64]) {
      const { program, image } = narrowCorners(channels);
      const compiled = await reference.compile(program, {}, { threads: 1 });
      const expected = await compiled.run(image, 1);
      for (const isa of isas) {
        for (const apart of [false, true]) {
          for (const threads of [1, 2, 3]) {
            const backend = nativeWith({ isa, apart });
            const executable = await backend.compile(program, {}, { threads });
            const actual = await executable.run(image, 1);
            executable.dispose();
            const label = `${isa}, ${channels} channels, ${threads} threads`;
            for (const name of ["y", "z"]) expectSameFloats(actual[name], expected[name], label);
          }
        }
      }
    }
  });

  it("give the reference's bits in a network", async () => {
    const program = withMaps(packed.program, "bfloat16");
    const image = channelsLast(randomImages(graph.inputs[0].shape, 2));
    const compiled = await reference.compile(program, packed.tensors, { threads: 1 });
    const expected = await compiled.run(image, 1);
    for (const isa of isas) {
      for (const threads of [1, 2, 3]) {
        const executable = await nativeWith({ isa }).compile(program, packed.tensors, { threads });
        const actual = await executable.run(image, 1);
        executable.dispose();
        for (const [name, values] of Object.entries(expected)) {
          expectSameFloats(actual[name], values, `${isa}, ${threads} threads, ${name}`);
        }
      }
    }
  });

  it("make the arena smaller", async () => {
    const arena = async (maps: "float32" | "bfloat16") => {
      const program = forOutputs(withMaps(packed.program, maps), ["logits"]);
      const executable = await nativeWith({}).compile(program, packed.tensors, { threads: 1 });
      const { arenaBytes = 0 } = executable;
      executable.dispose();
      return arenaBytes;
    };
    expect(await arena("bfloat16")).toBeLessThan(0.95 * (await arena("float32")));
  });
});
