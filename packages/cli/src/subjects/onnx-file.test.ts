import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { openOnnxClassifier, openSubject } from "@onebit/train/subjects";
import { evaluate } from "onebit/graph";
import { decodeImage } from "onebit/images";
import { floatModelGraph } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { describe, expect, it } from "vitest";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext } from "../test-support/networks.js";
import { classify } from "./classes.js";

const path = temporaryFolder();
const tiny = tinyBnext();
const graph = (batch: number) => floatModelGraph(tiny, batch);
const scalars = { temperature: 0 };

async function written(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(path(name), bytes);
  return path(name);
}

describe("a classifier in ONNX", () => {
  const images = randomImages([5, 1, 8, 8], 3);
  const feed = { shape: images.shape, data: images.data as Float32Array };
  const oracle = () =>
    evaluate(graph(5), { x: images, temperature: 0 }, tiny.tensors).outputs.logits;

  it.each([
    ["an open batch", undefined],
    ["a batch of 2, which 5 images do not fill", 2],
  ])("with %s gives the logits of its graph", async (_, batch) => {
    const bytes = toOnnx(graph(batch ?? 1), {
      ...{ tensors: tiny.tensors, scalars },
      dynamicBatch: batch === undefined,
    });
    const model = await openOnnxClassifier(await written("tiny.onnx", bytes));
    try {
      expect(model.info).toMatchObject({ batch, classes: 4, layout: "nchw" });
      const { logits } = await model.run(feed);
      const wanted = oracle();
      expect(logits.shape).toEqual([5, 4]);
      logits.data.forEach((x, i) => {
        expect(x).toBeCloseTo(wanted.data[i], 4);
      });
      await expect(model.run({ shape: [5, 1, 8, 9], data: feed.data })).rejects.toThrow(
        /\[5,1,8,9\] does not fit: \[N, 1, 8, 8\]/,
      );
    } finally {
      await model.dispose();
    }
  });

  it("shows values inside when asked, and refuses names that are not there", async () => {
    const { logits } = graph(1).outputs;
    const bytes = toOnnx({ ...graph(1), outputs: { logits } }, { tensors: tiny.tensors, scalars });
    const file = await written("inside.onnx", bytes);
    const value = "feature.1.FFN.binary_conv/Conv_0";
    const model = await openOnnxClassifier(file, { watch: [value] });
    const image = { shape: [1, 1, 8, 8], data: feed.data.subarray(0, 64) };
    const found = await model.session.run({ x: { type: "float32", ...image } }, [value]);
    const { values } = evaluate(graph(1), { x: image, temperature: 0 }, tiny.tensors);
    expect([...found[value].data]).toEqual([...values.get("feature.1.FFN.binary_conv")!.data]);
    await model.dispose();
    await expect(openOnnxClassifier(file, { watch: ["nowhere"] })).rejects.toThrow(
      /inside\.onnx: ONNX Runtime cannot load it/,
    );
  });

  it("is refused where its weights lie in a file that is missing", async () => {
    // initializer { name: "w", external_data { key: "location", value: "w.bin" } }
    const text = (number: number, value: string) => [
      number * 8 + 2,
      value.length,
      ...Buffer.from(value),
    ];
    const message = (number: number, bytes: number[]) => [number * 8 + 2, bytes.length, ...bytes];
    const entry = message(13, [...text(1, "location"), ...text(2, "w.bin")]);
    const node = message(1, [...text(1, "x"), ...text(2, "y"), ...text(4, "Identity")]);
    const model = message(7, [...node, ...message(5, [...text(8, "w"), ...entry])]);
    const file = await written(
      "outside.onnx",
      Uint8Array.from([...model, ...message(8, [16, 17])]),
    );
    await expect(openOnnxClassifier(file)).rejects.toThrow(
      /outside\.onnx: its weights are in another file, w\.bin, which is not beside it/,
    );
  });
});

describe("published ONNX classifiers", () => {
  const weights = shared("data/weights/onnx");
  const samples = shared("data/imagenet-samples");
  if (!weights || !samples) return it("skipped: no reference data", () => {});

  it("MobileNetV2 names what is on the photographs", { timeout: 120_000 }, async () => {
    const truth = JSON.parse(await readFile(join(samples, "labels.json"), "utf8")) as {
      file: string;
      index: number;
    }[];
    const classifier = await openSubject(join(weights, "mobilenet_v2_1.0_224_f32.onnx"), {
      ...{ backend: "auto", threads: 1 },
      onnx: { preprocess: { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] } },
    });
    let right = 0;
    const chosen = truth.filter((_, i) => i % 4 === 0);
    for (const { file, index } of chosen) {
      const image = await decodeImage(join(samples, "images", file));
      const [best] = await classify(classifier, image, 1);
      if (best.index === index) right++;
    }
    for (const [file, name] of [
      ["n01440764_tench.JPEG", "tench"],
      ["n02676566_acoustic_guitar.JPEG", "acoustic guitar"],
    ]) {
      const image = await decodeImage(join(samples, "images", file));
      expect((await classify(classifier, image, 1))[0].label).toBe(name);
    }
    await classifier.dispose();
    console.log(`MobileNetV2: ${right} of ${chosen.length} photographs`);
    expect(right / chosen.length).toBeGreaterThan(0.7);
    expect(await readdir(join(samples, "images"))).toHaveLength(truth.length);
  });
});
