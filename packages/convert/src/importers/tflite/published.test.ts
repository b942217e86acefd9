import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { load } from "onebit";
import { writeOnebit } from "onebit/file";
import { evaluate, type Tensor } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { expect, it } from "vitest";
import { readNpy } from "../../../../core/src/test-support/npy.js";
import { shared } from "../../../../core/src/test-support/shared.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { photographs } from "../test-support/photographs.js";

/** A network of Larq Compute Engine made by others, and its independent evaluation in float64. */
const folder = shared("data/weights/larq");
const side = 128;

const importNetwork = (file: string) =>
  importCheckpoint(memoryBuffer(readFileSync(join(folder!, file)), file));
const images = () => photographs(join(folder!, "person-images.npy"), side, (x) => x / 127.5 - 1);

/** Largest difference, in parts of the largest value. */
function difference(found: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let [worst, largest] = [0, 0];
  for (let i = 0; i < wanted.length; i++) {
    worst = Math.max(worst, Math.abs(found[i] - wanted[i]));
    largest = Math.max(largest, Math.abs(wanted[i]));
  }
  return worst / largest;
}

function channelsLast({ shape, data }: Tensor): Float64Array {
  const [, channels, height, width] = shape.length === 4 ? shape : [...shape, 1, 1];
  const pixels = height * width;
  return Float64Array.from(
    data,
    (_, i) => data[(i % channels) * pixels + Math.floor(i / channels)],
  );
}

it("the network's logits are those of the independent evaluation, packed, on every photograph", async () => {
  if (!folder) return;
  const { model, report } = await importNetwork("nasbnn_key3_lce.tflite");
  expect(report).toMatchObject({
    ...{ format: "tflite", family: "tflite", classes: 2, input: [3, 128, 128], binary: true },
    widths: [32, 64, 128, 192, 256, 384, 512],
  });
  const packed = pack(floatModelGraph(model), model.tensors);
  const { labels, preprocess, card } = model;
  const file = await writeOnebit({ ...packed, labels, preprocess, card });
  const { data: logits } = readNpy(join(folder, "key3-logits-f64.npy"));
  using opened = await load(file, { backend: "wasm" });
  for (const [i, image] of images().entries()) {
    const found = (await opened.run(image)).logits.data;
    expect(difference(found, logits.slice(2 * i, 2 * i + 2))).toBeLessThan(1e-4);
  }
}, 60_000);

it("so are its values on the way, operator by operator", async () => {
  if (!folder) return;
  const { model } = await importNetwork("nasbnn_key3_lce.tflite");
  const [image] = images();
  const { values } = evaluate(floatModelGraph(model), { x: image }, model.tensors);
  const trace = readdirSync(join(folder, "key3-trace"));
  expect(trace.length).toBeGreaterThan(5);
  const plain = (name: string) => name.replace(/[^\w.-]/g, "_");
  for (const file of trace) {
    const name = file.replace(/^op\d+-|\.npy$/g, "");
    const [, value] = [...values].find(([key]) => plain(key) === name)!;
    const { data } = readNpy(join(folder, "key3-trace", file));
    expect(difference(channelsLast(value), data), name).toBeLessThan(1e-4);
  }
}, 60_000);

it("its int8 version is read, and what is not kept is said", async () => {
  if (!folder) return;
  const { model, report } = await importNetwork("nasbnn_key3_int8_static.tflite");
  expect(report.notes).toContainEqual(expect.stringMatching(/8 bits are float32 here/));
  const float = await importNetwork("nasbnn_key3_lce.tflite");
  const weight = (tensors: typeof model.tensors) =>
    Object.entries(tensors).filter(([key]) => key.includes("s4b1_bn1") && /weight/.test(key));
  expect(weight(model.tensors)).toEqual(weight(float.model.tensors));
  expect(() => pack(floatModelGraph(model), model.tensors)).not.toThrow();
}, 60_000);
