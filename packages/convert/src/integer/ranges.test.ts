import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { buildModel } from "onebit/models";
import { pack } from "onebit/pack";
import { forOutputs, withMaps } from "onebit/program";
import { expect, it } from "vitest";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { planes, rangesOf } from "./ranges.js";

// A file has 1,024 outputs at most: a PokeBNN computes more numbers than that.
it("ranges of a network that computes more numbers than a program has outputs", async () => {
  const widths = Array.from({ length: 90 }, () => 4);
  const graph = buildModel("bnext", { widths, classes: 3, input: [1, 8, 8], gate: "none" });
  const { program: packed, tensors } = pack(graph, randomWeights(graph, 1));
  const program = withMaps(packed, "float32");
  const image = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i));
  const { values, registers } = await rangesOf(program, tensors, [image]);
  const computed = registers.flat().filter((most) => most !== undefined).length;
  expect(computed + values.length).toBeGreaterThan(1024);
  const one = forOutputs(program, ["logits"]);
  using model = await load(await writeOnebit({ program: one, tensors }), { backend: "reference" });
  const { logits } = await model.run({ shape: [1, 1, 8, 8], data: planes(image, 1) });
  expect(values[program.outputs.logits]).toBe(Math.max(...logits.data.map(Math.abs)));
});
