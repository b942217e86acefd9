import { OnebitError, UsageError } from "onebit";
import { describe, expect, it } from "vitest";
import { describeClassifier, type OnnxSettings } from "./classifier.js";
import type { OnnxDimension, OnnxFile } from "./model.js";
import { OnnxClassifier } from "./session.js";

const value = (name: string, ...shape: OnnxDimension[]) => ({ name, type: 1, shape });

function model(changes: Partial<OnnxFile> = {}): OnnxFile {
  return {
    ...{ name: "net", producer: "test", opset: 17, parameters: 1, externalFiles: [], metadata: {} },
    inputs: [value("image", "N", 3, 24, 32)],
    outputs: [value("scores", "N", 5)],
    nodes: [{ name: "fc", op: "Gemm", inputs: ["h"], outputs: ["scores"] }],
    ...changes,
  };
}

const stored = {
  ...{ size: [24, 32], channels: 3, resize: 40, crop: "center", interpolation: "bicubic" },
  ...{ mean: [0.1, 0.2, 0.3], std: [0.4, 0.5, 0.6] },
};

describe("a classifier in ONNX", () => {
  it("is fed as its shapes say, with ImageNet's normalisation assumed and noted", () => {
    const info = describeClassifier(model());
    expect(info).toMatchObject({
      ...{ inputName: "image", outputName: "scores", layout: "nchw", classes: 5 },
      ...{ batch: undefined, scores: "logits", labels: undefined },
      input: { channels: 3, height: 24, width: 32 },
      preprocess: { size: [24, 32], resize: 37, crop: "center", mean: [0.485, 0.456, 0.406] },
    });
    expect(info.notes.join()).toMatch(/mean 0\.485,0\.456,0\.406 .* are assumed/);
    expect(info.notes.join()).toMatch(/become 24x32: the shorter side becomes 37 and the middle/);
  });

  it("believes its metadata, and flags more", () => {
    const labels = ["a", "b", "c", "d", "e"];
    const metadata = { preprocess: JSON.stringify(stored), labels: JSON.stringify(labels) };
    const info = describeClassifier(model({ metadata }));
    expect(info).toMatchObject({ preprocess: stored, labels, notes: [] });
    const told = describeClassifier(model({ metadata }), {
      labels: ["1", "2", "3", "4", "5"],
      preprocess: { mean: [0.5, 0.5, 0.5], resize: 44 },
    });
    expect(told.labels).toEqual(["1", "2", "3", "4", "5"]);
    expect(told.preprocess).toEqual({ ...stored, mean: [0.5, 0.5, 0.5], resize: 44 });
    const damaged = describeClassifier(model({ metadata: { preprocess: "{" } }));
    expect(damaged.notes.join()).toMatch(/metadata preprocess: must be an object.*not used/);
  });

  it("has ImageNet's names for as many classes of colour images, unless it has its own", () => {
    const outputs = [value("scores", "N", 1000)];
    const info = describeClassifier(model({ outputs }));
    expect(info).toMatchObject({ labelsAssumed: true, classes: 1000 });
    expect(info.labels?.[1]).toBe("goldfish");
    expect(info.notes).toContainEqual(expect.stringMatching(/1000 classes: ImageNet's names are/));
    const grey = describeClassifier(model({ outputs, inputs: [value("image", "N", 1, 24, 32)] }));
    expect(grey).toMatchObject({ labels: undefined, labelsAssumed: false });
    const few = describeClassifier(model({ outputs, metadata: { labels: '["a","b"]' } }));
    expect(few).toMatchObject({ labels: undefined, labelsAssumed: false });
    expect(few.notes).toContain("the file names 2 classes, it has 1000: names are not used");
  });

  it("may hold its channels last, its batch fixed, and end in a softmax", () => {
    const info = describeClassifier(
      model({
        inputs: [value("image", 1, 24, 32, 1)],
        nodes: [{ name: "s", op: "Softmax", inputs: ["h"], outputs: ["scores"] }],
      }),
    );
    expect(info).toMatchObject({ layout: "nhwc", batch: 1, scores: "softmax" });
    expect(info.preprocess).toMatchObject({ channels: 1, mean: [0.5], std: [0.5] });
  });

  it("may leave its size open, and is told", () => {
    const open = model({ inputs: [value("image", "N", 3, "H", "W")] });
    expect(() => describeClassifier(open)).toThrow(
      /leaves the size .* open: say it with --crop 224/,
    );
    expect(describeClassifier(open, { size: [48, 40] }).input).toMatchObject({
      height: 48,
      width: 40,
    });
    const cropped = describeClassifier(open, { preprocess: { size: [28, 28] } });
    expect(cropped.preprocess).toMatchObject({ size: [28, 28], resize: 32 });
  });

  const settings: [string, Partial<OnnxFile>, OnnxSettings, RegExp][] = [
    ["another size", {}, { size: [32, 32] }, /32x32 for a network that takes 24x32/],
    ["too few labels", {}, { labels: ["a"] }, /1 label for 5 classes/],
    ["an unknown output", {}, { output: "y" }, /no output "y": there are scores/],
  ];
  it.each(settings)("is not told %s", (_, changes, told, message) => {
    expect(() => describeClassifier(model(changes), told)).toThrow(UsageError);
    expect(() => describeClassifier(model(changes), told)).toThrow(message);
  });

  const noClassifiers: [string, Partial<OnnxFile>, RegExp][] = [
    [
      "two inputs",
      { inputs: [value("image", 1, 3, 8, 8), value("mask", 1, 8)] },
      /has one input, this model has image, mask/,
    ],
    [
      "a batch for which there is no memory",
      { inputs: [value("image", 1_000_000, 3, 24, 32)] },
      /1,000,000 images at a time with 2304 values of images each are more than/,
    ],
    [
      "more classes than there is memory",
      { outputs: [value("scores", "N", 2 ** 31 - 1)] },
      /1 image at a time with 2147483647 scores each/,
    ],
    ["one score", { outputs: [value("y", "N", 1)] }, /one score for each image: two classes have/],
    [
      "a whole number for a score",
      { outputs: [{ ...value("logits", 1, 5), type: 7 }] },
      /logits int64 \[1, 5\]/,
    ],
    ["no input", { inputs: [] }, /has one input, this model has none/],
    ["a text input", { inputs: [value("ids", 1, 128)] }, /"ids" has shape \[1, 128\]: .* four/],
    ["integers", { inputs: [{ ...value("i", 1, 3, 8, 8), type: 7 }] }, /"i" is int64: images are/],
    ["7 channels", { inputs: [value("i", 1, 7, 8, 9)] }, /neither its second nor its last/],
    ["a map for output", { outputs: [value("mask", 1, 5, 8, 8)] }, /not a classifier.*mask \[1, 5/],
    ["two heads", { outputs: [value("a", 1, 5), value("b", 1, 7)] }, /a \[1, 5\], b \[1, 7\]/],
    ["unknown classes", { outputs: [value("a", "N", undefined)] }, /name them with --labels/],
  ];
  it.each(noClassifiers)("has not %s", (_, changes, message) => {
    expect(() => describeClassifier(model(changes))).toThrow(OnebitError);
    expect(() => describeClassifier(model(changes))).toThrow(message);
  });
});

describe("running it", () => {
  it("changes the layout, fills the batch, and takes logarithms of probabilities", async () => {
    const info = describeClassifier(
      model({
        inputs: [value("image", 2, 2, 2, 3)],
        outputs: [value("scores", 2, 2)],
        nodes: [{ name: "s", op: "Softmax", inputs: ["h"], outputs: ["scores"] }],
      }),
    );
    const fed: number[][] = [];
    const classifier = new OnnxClassifier(info, {
      async run({ image }) {
        expect(image.shape).toEqual([2, 2, 2, 3]);
        fed.push([...image.data]);
        const first = [image.data[0], image.data[12]];
        return { scores: { shape: [2, 2], data: Float32Array.of(0.25, first[0], 0, first[1]) } };
      },
      dispose: async () => {},
    });
    const data = Float32Array.from({ length: 36 }, (_, i) => i + 1);
    const { logits } = await classifier.run({ shape: [3, 3, 2, 2], data });
    // Pixel by pixel: red, green and blue of one stand 4 numbers apart.
    expect(fed[0].slice(0, 6)).toEqual([1, 5, 9, 2, 6, 10]);
    expect(fed[1].slice(12)).toEqual(new Array(12).fill(0));
    expect(logits.shape).toEqual([3, 2]);
    expect(logits.data[0]).toBeCloseTo(Math.log(0.25));
    expect(logits.data[3]).toBeCloseTo(Math.log(13));
    expect(logits.data[2]).toBeLessThan(-80);
  });

  it("says which image has no scores", async () => {
    const info = describeClassifier(model());
    const classifier = new OnnxClassifier(info, {
      async run({ image }) {
        const count = image.shape[0];
        const data = new Float32Array(count * 5);
        data[(count - 1) * 5] = Number.NaN;
        return { scores: { shape: [count, 5], data } };
      },
      dispose: async () => {},
    });
    const images = { shape: [3, 3, 24, 32], data: new Float32Array(3 * 3 * 24 * 32) };
    await expect(classifier.run(images)).rejects.toThrow(/scores of image 2 are not numbers/);
  });
});
