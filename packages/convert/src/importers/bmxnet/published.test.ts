import { readFileSync } from "node:fs";
import { load } from "onebit";
import { summarize } from "onebit/cost";
import { writeOnebit } from "onebit/file";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { cifarRecords, rightOnCifar } from "../../../../core/src/test-support/cifar-records.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { symbolOf } from "./symbol.js";

const params = shared("data/weights/bmxnet/binarized_cifar10-resnet18-64bit-0000.params");
const testImages = shared("data/cifar10/test_first1000_lossless.bin.xz");

it("the published binary ResNet-18, packed, is right on 852 of 1000 images of CIFAR-10", async () => {
  if (!params || !testImages) return;
  const records = cifarRecords(testImages);
  if (!records) return;
  const { model, report } = await importCheckpoint(memoryBuffer(readFileSync(params)), {
    ...{ weights: "signs", symbol: () => symbolOf(params) },
  });
  expect(report).toMatchObject({
    ...{ classes: 10, widths: [64, 128, 256, 512], input: [3, 32, 32] },
    ignored: ["bn_data_gamma"],
  });
  expect(model.labels[3]).toBe("cat");
  const graph = floatModelGraph(model);
  const { macs, binaryMacs } = summarize(graph);
  expect(binaryMacs / macs).toBeGreaterThan(0.99);
  const { preprocess, labels, card } = model;
  const packed = pack(graph, model.tensors);
  const file = await writeOnebit({ ...packed, preprocess, labels, card });
  using opened = await load(file, { backend: "wasm" });
  // Rounding may turn a sign near zero; a wrong convention costs hundreds of images.
  expect(Math.abs((await rightOnCifar(opened, records)) - 852)).toBeLessThanOrEqual(5);
}, 120_000);
