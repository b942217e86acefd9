import { join } from "node:path";
import { describe, it } from "vitest";
import type { Tensor } from "../graph/types.js";
import { buildModel } from "../models/index.js";
import { prepareProgram } from "../runtime/backends/reference/program.js";
import { channelsLast } from "../test-support/compare-packed.js";
import {
  expectRuleA,
  expectRuleC,
  goldenNetworks,
  imagesOf,
} from "../test-support/golden-networks.js";
import { readNpy } from "../test-support/npy.js";
import { shared } from "../test-support/shared.js";
import { readTorchZip } from "../test-support/torch-zip.js";
import { pack } from "./index.js";

describe.each(goldenNetworks)("$name, packed", ({ name, model, options }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const file = (path: string) => join(folder, path);
  const weights = readTorchZip(file("state_dict.pth"));
  const { program, tensors } = pack(buildModel(model, options), weights);
  const executable = prepareProgram(program, tensors);
  const logits = async (images: Tensor): Promise<Tensor> => {
    const [count] = images.shape;
    const rows: number[] = [];
    for (let n = 0; n < count; n++) {
      rows.push(...(await executable.run(channelsLast(imagesOf(images, n)), 1)).logits);
    }
    return { shape: [count, rows.length / count], data: Float32Array.from(rows) };
  };
  const golden = (name: string) => readNpy(file(`${name}.npy`));

  it("gives the official logits (rule A)", async () => {
    expectRuleA(await logits(golden("input")), golden("logits-f64"));
  });

  it("gives them on images that nobody selected, but for sign flips (rule C)", async () => {
    const many = await logits(golden("inputs-many"));
    expectRuleC(many, golden("logits-many"), golden("logits-many-f64"));
  });
});
