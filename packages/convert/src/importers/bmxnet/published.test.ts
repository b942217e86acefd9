import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type Classifier, load } from "onebit";
import { summarize } from "onebit/cost";
import { writeOnebit } from "onebit/file";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { shared } from "../../../../core/src/test-support/shared.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { symbolOf } from "./symbol.js";

const params = shared("data/weights/bmxnet/binarized_cifar10-resnet18-64bit-0000.params");
const testImages = shared("data/cifar10/test_first1000_lossless.bin.xz");

const side = 32;
const plane = side * side;
const recordBytes = 1 + 3 * plane;

/** Node has no decompressor for xz: the tool of that name is started. */
function records(path: string): Uint8Array | undefined {
  const { stdout, error, status } = spawnSync("xz", ["-dc", path], { maxBuffer: 2 ** 26 });
  if (!error && status === 0) return stdout;
  if (process.env.CI) throw new Error(`xz -dc ${path}: ${error?.message ?? `status ${status}`}`);
  console.log("skipped: the tool xz is not here");
  return undefined;
}

/** How many images an open model is right on, prepared as its own file says. */
async function right(model: Classifier, bytes: Uint8Array): Promise<number> {
  let right = 0;
  for (let i = 0; i < bytes.length / recordBytes; i++) {
    const record = bytes.subarray(i * recordBytes, (i + 1) * recordBytes);
    const data = new Uint8Array(3 * plane);
    for (let p = 0; p < 3 * plane; p++) data[p] = record[1 + (p % 3) * plane + Math.floor(p / 3)];
    const image = { data, width: side, height: side };
    const [best] = await model.classify(image, { top: 1 });
    if (best.index === record[0]) right++;
  }
  return right;
}

it("the published binary ResNet-18, packed, is right on 852 of 1000 images of CIFAR-10", async () => {
  if (!params || !testImages) return;
  const bytes = records(testImages);
  if (!bytes) return;
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
  expect(Math.abs((await right(opened, bytes)) - 852)).toBeLessThanOrEqual(5);
}, 120_000);
