import { readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { readNpy } from "../../../../core/src/test-support/npy.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { photographs } from "../test-support/photographs.js";

/** A network of Larq, saved by Keras, made by others, and its independent evaluation in float64. */
const folder = shared("data/weights/larq");

it("a network of Larq gives the logits of an independent evaluation, packed", async () => {
  if (!folder) return;
  const bytes = readFileSync(join(folder, "samy_bnn.h5"));
  const { model, report } = await importCheckpoint(memoryBuffer(bytes, "samy_bnn.h5"), {
    preprocess: { mean: [0], std: [1] },
  });
  expect(report).toMatchObject({
    ...{ format: "hdf5", family: "keras", classes: 2, input: [3, 80, 80], binary: true },
    ...{ widths: [16, 24, 32, 40], leftOut: [{ keys: "optimizer_weights.*" }] },
  });
  const packed = pack(floatModelGraph(model), model.tensors);
  const { labels, preprocess, card } = model;
  const file = await writeOnebit({ ...packed, labels, preprocess, card });
  const { data: logits } = readNpy(join(folder, "samy-logits-f64.npy"));
  using opened = await load(file, { backend: "wasm" });
  const images = photographs(join(folder, "samy-images.npy"), 80, (x) => x / 255);
  for (const [i, image] of images.entries()) {
    const found = (await opened.run(image)).logits.data;
    const wanted = logits.slice(2 * i, 2 * i + 2);
    const largest = Math.max(...wanted.map(Math.abs));
    for (const k of [0, 1]) expect(Math.abs(found[k] - wanted[k]) / largest).toBeLessThan(1e-5);
  }
}, 60_000);
