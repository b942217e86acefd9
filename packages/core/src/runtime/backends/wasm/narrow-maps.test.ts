import { describe, expect, it } from "vitest";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { withMaps } from "../../../program/passes/narrow-maps.js";
import { channelsLast } from "../../../test-support/compare-packed.js";
import { narrowCorners } from "../../../test-support/narrow-corners.js";
import { expectSameFloats } from "../../../test-support/packed-step.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { wasm } from "./index.js";

describe("narrow maps in WebAssembly", () => {
  it.each([1, 2, 3, 4, 16, 37, 64])("are rounded as the contract says, %i channels", async (n) => {
    const { program, image } = narrowCorners(n);
    for (const threads of [1, 2, 3]) {
      const made = await Promise.all(
        [reference, wasm].map((backend) => backend.compile(program, {}, { threads })),
      );
      await made[1].ready?.();
      const [expected, actual] = await Promise.all(made.map((one) => one.run(image, 1)));
      for (const name of ["y", "z"]) {
        expectSameFloats(actual[name], expected[name], `${name}, ${threads} threads`);
      }
      for (const one of made) one.dispose();
    }
  });

  it.each(["bnext-nano", "reactnet-nano"])("give the reference's bits in %s", async (name) => {
    const graph = buildModel(name, { classes: 7, input: [3, 32, 32] });
    const { program: wide, tensors } = pack(graph, randomWeights(graph, 1));
    const program = withMaps(wide, "bfloat16");
    const image = channelsLast(randomImages(graph.inputs[0].shape, 2));
    const [expected, actual] = await Promise.all(
      [reference, wasm].map(async (backend) => {
        return (await backend.compile(program, tensors, { threads: 1 })).run(image, 1);
      }),
    );
    for (const [output, values] of Object.entries(expected)) {
      expectSameFloats(actual[output], values, output);
    }
  });

  it("take half the memory", () => {
    const { program } = narrowCorners(64);
    const bytes = (maps: "float32" | "bfloat16") => {
      const { layouts } = compileProgram(withMaps(program, maps), {});
      return layouts.map((layout) => layout.bytes);
    };
    const [float32, bfloat16] = [bytes("float32"), bytes("bfloat16")];
    for (const id of [1, 2, 3]) expect(bfloat16[id]).toBe(float32[id] / 2);
    expect(bfloat16[5]).toBe(float32[5]);
  });

  it("make the arena of a network smaller", () => {
    const graph = buildModel("bnext-nano", { classes: 7, input: [3, 32, 32] });
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const arena = (maps: "float32" | "bfloat16") => {
      const { plan } = compileProgram(withMaps(program, maps), tensors);
      return plan.arenaBytes;
    };
    expect(arena("bfloat16")).toBeLessThan(0.95 * arena("float32"));
  });
});
