import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Tensor } from "../../../graph/types.js";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { forOutputs } from "../../../program/passes/for-outputs.js";
import type { Program, ProgramTensors } from "../../../program/types.js";
import { channelsLast } from "../../../test-support/compare-packed.js";
import {
  expectRuleA,
  expectRuleC,
  goldenNetworks,
  imagesOf,
  relativeError,
} from "../../../test-support/golden-networks.js";
import { readNpy } from "../../../test-support/npy.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { shared } from "../../../test-support/shared.js";
import { smallNetworks } from "../../../test-support/small-networks.js";
import { readTorchZip } from "../../../test-support/torch-zip.js";
import { webgpuHere } from "../../../test-support/webgpu-here.js";
import type { Backend } from "../../backend.js";
import { reference } from "../reference/index.js";
import { wasm } from "../wasm/index.js";
import { tile } from "./forms.js";
import { webgpu, webgpuBackend } from "./index.js";

const here = await webgpuHere();

/** Tiles that a software adapter compiles sooner than those that are fast. */
const small = tile([8, 8], [1, 4], 1);
const smallTiles = webgpuBackend({ prefer: () => small });
const direct = webgpuBackend({ prefer: () => "direct" });

/** [N, H, W, C] of images [N, C, H, W]. */
function batchOf(images: Tensor): Float32Array {
  const all = Array.from({ length: images.shape[0] }, (_, n) => channelsLast(imagesOf(images, n)));
  return Float32Array.from(all.flatMap((image) => [...image]));
}

async function logitsOf(
  backend: Backend,
  { program, tensors }: { program: Program; tensors: ProgramTensors },
  images: Tensor,
): Promise<Tensor> {
  const [count] = images.shape;
  const only = forOutputs(program, ["logits"]);
  const executable = await backend.compile(only, tensors, { threads: 1 });
  const { logits } = await executable.run(batchOf(images), count);
  executable.dispose();
  return { shape: [count, logits.length / count], data: logits };
}

describe.skipIf(!here).each(goldenNetworks)("$name on webgpu", ({ name, model, options }) => {
  const folder = shared(`goldens/${name}`);
  if (!folder) return it("skipped: no goldens", () => {});
  const golden = (file: string) => readNpy(join(folder, `${file}.npy`));

  const packed = pack(buildModel(model, options), readTorchZip(join(folder, "state_dict.pth")));

  it("gives the official logits (rule A)", async () => {
    expectRuleA(await logitsOf(direct, packed, golden("input")), golden("logits-f64"));
  }, 300_000);

  // A software adapter takes some 20 s for each of the BNexts.
  it.runIf(process.env.ONEBIT_FULL || !name.startsWith("bnext"))(
    "gives them on images that nobody selected, but for sign flips (rule C)",
    async () => {
      const many = await logitsOf(direct, packed, golden("inputs-many"));
      expectRuleC(many, golden("logits-many"), golden("logits-many-f64"));
    },
    300_000,
  );
});

describe.skipIf(!here)("webgpu", () => {
  it("gives the logits of a full BNext-T", async () => {
    const graph = buildModel("bnext-t", {});
    const packed = pack(graph, randomWeights(graph, 1));
    const image = randomImages(graph.inputs[0].shape, 2);
    const expected = await logitsOf(wasm, packed, image);
    const actual = await logitsOf(webgpu, packed, image);
    expect(relativeError(actual, expected)).toBeLessThanOrEqual(2e-5);
  }, 300_000);

  it.each(smallNetworks)("gives all outputs of %s, in a batch", async (_, model, options) => {
    const graph = buildModel(model, options);
    const { program, tensors } = pack(graph, randomWeights(graph, 1));
    const [, ...shape] = graph.inputs[0].shape;
    const images = batchOf(randomImages([3, ...shape], 2));
    const [expected, actual] = await Promise.all(
      [reference, smallTiles].map(async (backend) => {
        const executable = await backend.compile(program, tensors, { threads: 1 });
        const outputs = await executable.run(images, 3);
        executable.dispose();
        return outputs;
      }),
    );
    expect(Object.keys(actual)).toEqual(Object.keys(expected));
    for (const [name, data] of Object.entries(expected)) {
      const [wanted, given] = [data, actual[name]].map((values) => {
        return { shape: [values.length], data: values };
      });
      expect(relativeError(given, wanted), name).toBeLessThanOrEqual(2e-5);
    }
  });
});
