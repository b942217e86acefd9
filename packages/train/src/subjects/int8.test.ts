import { openOnnxSession } from "@onebit/convert";
import { evaluate, GraphBuilder, linear } from "onebit/graph";
import { buildModel } from "onebit/models";
import { int8Values } from "onebit/onnx";
import { expect, it } from "vitest";
import { rng } from "../data/random.js";
import { initialTensors } from "../state/index.js";
import { int8Of } from "./int8.js";

const random = rng(3, "images");
const images = Array.from({ length: 8 }, () =>
  Float32Array.from({ length: 3 * 16 * 16 }, () => random.normal()),
);
const shape = [1, 3, 16, 16];

it("is near the float network on ONNX Runtime's integer kernels, at a quarter of its size", async () => {
  const graph = buildModel("resnet-18", {
    classes: 5,
    input: [3, 16, 16],
    width: 16,
    stem: "small",
  });
  const logits = { ...graph, outputs: { logits: graph.outputs.logits } };
  const tensors = initialTensors(graph, 1);
  const bytes = await int8Of("resnet", logits, tensors, images);
  const parameters = Object.values(tensors).reduce((sum, { data }) => sum + data.length, 0);
  expect(bytes.length).toBeLessThan(2 * parameters);
  const session = await openOnnxSession("resnet", bytes, 1);
  for (const data of images.slice(0, 2)) {
    const expected = evaluate(logits, { x: { shape, data } }, tensors).outputs.logits.data;
    const found = await session.run({ x: { type: "float32", shape, data } }, ["logits"]);
    const scale = Math.max(...expected.map(Math.abs));
    found.logits.data.forEach((value, i) => {
      expect(Math.abs(value - expected[i]) / scale).toBeLessThan(0.1);
    });
  }
  await session.dispose();
});

it("has a grid for what a product reads, though it is an output too", async () => {
  const b = new GraphBuilder("small");
  const features = b.op("add", [b.input("x", [1, 3]), b.input("z", [1, 3])], {}, "sum");
  b.output("features", features);
  b.output("scores", linear(b, "fc", features, 2));
  const graph = b.build();
  expect(int8Values(graph, { tensors: initialTensors(graph, 1) })).toContain("features");
});

it("puts no grid between a sum and its clipping, nor on the scores", () => {
  const b = new GraphBuilder("small");
  const x = b.input("x", [1, 3]);
  const [y, z] = ["y", "z"].map((name) => b.op("add", [x, x], {}, name));
  b.output("scores", b.op("add", [b.op("relu", [y], {}, "r"), z], {}, "sum"));
  expect(int8Values(b.build(), { tensors: {} }).sort()).toEqual(["r/Relu_0", "x", "z/Add_0"]);
});

it("refuses what has 1-bit parts, and values that are not finite", async () => {
  const small = { classes: 3, input: [3, 16, 16], widths: [4, 8] } as const;
  const bits = buildModel("reactnet", small);
  await expect(int8Of("bits", bits, initialTensors(bits, 1), images)).rejects.toThrow(
    "bits: has 1-bit parts already: 8 bits are for float networks",
  );
  const float = buildModel("reactnet", { ...small, form: "real" });
  const wrong = [images[0].map(() => Number.NaN)];
  await expect(int8Of("float", float, initialTensors(float, 1), wrong)).rejects.toThrow(
    "no finite range is known of it",
  );
});
