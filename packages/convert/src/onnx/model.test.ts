import { readFile } from "node:fs/promises";
import { OnebitError } from "onebit";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { describe, expect, it } from "vitest";
import { randomStream } from "../../../core/src/test-support/draw.js";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { shared } from "../../../core/src/test-support/shared.js";
import { readOnnxFile } from "./model.js";
import { withOutputs } from "./watch.js";

const graph = buildModel("bnext-nano", { classes: 6, input: [3, 16, 16] });
const tensors = randomWeights(graph, 1);
const metadata = { labels: '["ä","b"]', about: "x" };
const bytes = toOnnx(graph, { tensors, scalars: { temperature: 0 }, metadata });

describe("an .onnx file", () => {
  it("says what the exporter wrote", () => {
    const file = readOnnxFile(bytes);
    expect(file).toMatchObject({
      ...{ producer: "onebit", opset: 17, name: graph.name, metadata, externalFiles: [] },
      inputs: [{ name: "x", type: 1, shape: ["N", 3, 16, 16] }],
    });
    expect(file.outputs).toContainEqual({ name: "logits", type: 1, shape: ["N", 6] });
    expect(file.nodes.filter(({ op }) => op === "Conv").length).toBeGreaterThan(10);
    const convolutions = Object.entries(graph.tensors).filter(
      ([, { shape }]) => shape.length === 4,
    );
    const weights = convolutions.reduce((n, [, { shape }]) => n + shape.reduce((a, b) => a * b), 0);
    expect(file.parameters).toBeGreaterThan(weights / 2);
  });

  it("shows further outputs that are appended to it", () => {
    const names = ["feature.1", "a name of more than 127 characters ".repeat(5)];
    const { outputs, nodes } = readOnnxFile(withOutputs(bytes, names));
    expect(outputs.map(({ name }) => name)).toEqual([
      ...readOnnxFile(bytes).outputs.map(({ name }) => name),
      ...names,
    ]);
    expect(nodes).toEqual(readOnnxFile(bytes).nodes);
  });

  it("is refused when cut off anywhere", () => {
    const random = randomStream(1);
    for (let i = 0; i < 300; i++) {
      const cut = bytes.subarray(0, Math.floor(random() * (bytes.length - 60)));
      expect(() => readOnnxFile(cut)).toThrow(OnebitError);
    }
  });

  it("is read or refused, never more, whatever bytes change", { timeout: 60_000 }, () => {
    const small = toOnnx(buildModel("linear", { classes: 2, input: [1, 4, 4] }), {
      tensors: randomWeights(buildModel("linear", { classes: 2, input: [1, 4, 4] }), 1),
    });
    const random = randomStream(2);
    let refused = 0;
    for (let i = 0; i < 20_000; i++) {
      const changed = small.slice();
      for (let n = 1 + Math.floor(random() * 3); n > 0; n--) {
        changed[Math.floor(random() * changed.length)] = Math.floor(random() * 256);
      }
      try {
        readOnnxFile(changed);
      } catch (error) {
        expect(error).toBeInstanceOf(OnebitError);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(2000);
  });

  it.each([
    ["nothing", new Uint8Array(), /holds no graph/],
    ["text", new TextEncoder().encode("not a model at all\n"), /protobuf/],
    ["zeros", new Uint8Array(64), /no field number 0/],
    [
      "PyTorch's zip",
      Uint8Array.from([0x50, 0x4b, 3, 4, 0, 0, 8, 8]),
      /OnebitError|protobuf|graph/,
    ],
  ])("is not %s", (_, wrong, message) => {
    expect(() => readOnnxFile(wrong)).toThrow(message);
  });

  const real = shared("data/weights/onnx/mobilenet_v2_1.0_224_f32.onnx");
  it.runIf(real)("of somebody else is understood", async () => {
    const file = readOnnxFile(new Uint8Array(await readFile(real!)));
    expect(file.inputs).toHaveLength(1);
    expect(file.inputs[0].shape?.slice(1)).toEqual([3, 224, 224]);
    // 3.47 million weights of the published network, with batch-norms folded or not.
    expect(file.parameters / 1e6).toBeCloseTo(3.5, 1);
  });
});
