import { describe, expect, it } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import { batchNorm, binaryConv2d, conv2d, globalAveragePool, linear } from "../graph/layers.js";
import { rebatch } from "../graph/rebatch.js";
import type { Graph, Shape, Tensor } from "../graph/types.js";
import { buildModel } from "../models/index.js";
import { expectClose } from "../test-support/close.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { readOnnx } from "../test-support/read-onnx.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { toOnnx } from "./index.js";

const opTypes = (onnx: Uint8Array) => readOnnx(onnx).nodes.map(({ opType }) => opType);

/** A graph of one input x; what `define` returns is the output y. */
function graphOf(shape: Shape, define: (b: GraphBuilder, x: string) => string): Graph {
  const b = new GraphBuilder("test");
  b.output("y", define(b, b.input("x", shape)));
  return b.build();
}

function weight(b: GraphBuilder, key: string, shape: Shape): string {
  const init = { kind: "constant", value: 0 } as const;
  return b.tensor(key, { shape, kind: "parameter", role: "other", init });
}

/** Exported with its weights, the graph computes for these batches what evaluate does. */
async function expectExported(
  graph: Graph,
  tensors: { readonly [key: string]: Tensor },
  batches: readonly number[],
  scalars: { readonly [name: string]: number } = {},
): Promise<Uint8Array> {
  const onnx = toOnnx(graph, { tensors, scalars });
  for (const batch of batches) {
    const rebatched = rebatch(graph, batch);
    const x = randomImages(rebatched.inputs[0].shape, 7);
    const expected = evaluate(rebatched, { x, ...scalars }, tensors).outputs;
    const actual = await runOnnx(onnx, { x });
    for (const [name, { shape, data }] of Object.entries(expected)) {
      expect(actual[name].shape).toEqual(shape);
      expectClose(actual[name].data, data, 1e-5, `${name}, batch ${batch}`);
    }
  }
  return onnx;
}

describe("the batch size", () => {
  it("is open where only reshapes hold it", async () => {
    const graph = graphOf([2, 4, 3, 3], (b, x) => {
      const flat = b.op("reshape", [x], { shape: [0, -1] });
      const back = b.op("reshape", [flat], { shape: [-1, 4, 9] });
      const swapped = b.op("transpose", [back], { perm: [0, 2, 1] });
      return b.op("softmax", [b.op("mean", [swapped], { axes: [1] })], { axis: -1 });
    });
    const { inputs, outputs } = readOnnx(await expectExported(graph, {}, [1, 2, 5]));
    expect(inputs).toEqual({ x: ["N", 4, 3, 3] });
    expect(outputs).toEqual({ y: ["N", 4] });
  });

  it("is open where an output mixes it with other dimensions", async () => {
    const graph = graphOf([1, 4, 3], (b, x) => b.op("reshape", [x], { shape: [-1, 3] }));
    const { outputs } = readOnnx(await expectExported(graph, {}, [1, 3]));
    expect(outputs.y).toEqual(["4 * N", 3]);
  });

  const pinned: [string, (b: GraphBuilder, x: string) => string][] = [
    ["a slice of the batch", (b, x) => b.op("slice", [x], { axis: 0, start: 0, end: 4 }, "part")],
    ["an expanded shape", (b, x) => b.op("expand", [x], { shape: [4, 4, 2, 2] }, "part")],
    ["a fixed reshape", (b, x) => b.op("reshape", [x], { shape: [4, 16] }, "part")],
    ["a constant per image", (b, x) => b.op("add", [x, b.constant(1, [4, 1, 1, 1])], {}, "part")],
  ];
  it.each(pinned)("is fixed by %s", async (_, define) => {
    const graph = graphOf([4, 4, 2, 2], define);
    const onnx = await expectExported(graph, {}, [4]);
    expect(readOnnx(onnx).inputs.x[0]).toBe(4);
    const open = () => toOnnx(graph, { tensors: {}, dynamicBatch: true });
    expect(open).toThrow(/test: its batch size cannot be left open: .*part/);
  });

  it("is fixed where inputs have different first dimensions", () => {
    const b = new GraphBuilder("test");
    b.output("y", b.op("add", [b.input("x", [4, 3]), b.input("z", [1, 3])]));
    const graph = b.build();
    expect(readOnnx(toOnnx(graph, { tensors: {} })).inputs).toEqual({ x: [4, 3], z: [1, 3] });
    const open = () => toOnnx(graph, { tensors: {}, dynamicBatch: true });
    expect(open).toThrow(/first dimensions 4, 1/);
  });

  it("is fixed on request, in training, and where weights are inputs", () => {
    const graph = buildModel("linear", { classes: 3, input: [1, 4, 4], batch: 2 });
    const tensors = randomWeights(graph, 1);
    const firstDim = (onnx: Uint8Array) => readOnnx(onnx).inputs.x[0];
    expect(firstDim(toOnnx(graph, { tensors }))).toBe("N");
    expect(firstDim(toOnnx(graph, { tensors, dynamicBatch: false }))).toBe(2);
    expect(firstDim(toOnnx(graph))).toBe(2);
    expect(firstDim(toOnnx(graph, { dynamicBatch: true }))).toBe("N");
    expect(firstDim(toOnnx(graph, { mode: "training" }))).toBe(2);
    expect(Object.keys(readOnnx(toOnnx(graph)).inputs)).toEqual(["x", "fc.weight", "fc.bias"]);
  });
});

describe("folding", () => {
  const options = { widths: [6, 12, 24, 24], classes: 5, input: [3, 8, 8] as const };
  const graph = buildModel("bnext", options);
  const tensors = randomWeights(graph, 1);

  it("leaves no op that only weights go into", async () => {
    const onnx = await expectExported(graph, tensors, [1, 3], { temperature: 0 });
    const { nodes, initializers, inputs } = readOnnx(onnx);
    const idle = nodes.filter(({ inputs }) => inputs.every((input) => initializers.has(input)));
    expect(idle).toEqual([]);
    expect(Object.keys(inputs)).toEqual(["x"]);
    const weights = initializers.get("feature.1.FFN_1.binary_conv.weight");
    expect(weights?.floats.every((w) => Math.abs(w) === 1)).toBe(true);
  });

  it("needs only the tensors that something reads", () => {
    const used = Object.entries(tensors).filter(([key]) => !key.endsWith("num_batches_tracked"));
    const scalars = { temperature: 0 };
    expect(() => toOnnx(graph, { tensors: Object.fromEntries(used), scalars })).not.toThrow();
  });

  it("leaves the binarisation in where the temperature is an input", async () => {
    const onnx = toOnnx(graph, { tensors });
    expect(Object.keys(readOnnx(onnx).inputs)).toEqual(["x", "temperature"]);
    const x = randomImages([2, 3, 8, 8], 3);
    for (const temperature of [0, 0.5]) {
      const feeds = { x, temperature: { shape: [], data: Float32Array.of(temperature) } };
      const actual = await runOnnx(onnx, feeds);
      const expected = evaluate(rebatch(graph, 2), { x, temperature }, tensors).outputs;
      expectClose(actual.logits.data, expected.logits.data, 1e-5, `temperature ${temperature}`);
    }
  });

  it("bakes in soft weights where the temperature is not low enough for signs", async () => {
    const onnx = await expectExported(graph, tensors, [1], { temperature: 0.05 });
    const { nodes, initializers } = readOnnx(onnx);
    expect(nodes.some(({ inputs }) => inputs.every((input) => initializers.has(input)))).toBe(
      false,
    );
    const weights = nodes.filter(({ opType }) => opType === "Conv").map(({ inputs }) => inputs[1]);
    const isBinary = (w: number) => Math.abs(w) === 1;
    expect(weights.some((key) => initializers.get(key)!.floats.every(isBinary))).toBe(false);
  });

  it("can be left out: tensors under their keys, binarised at run time", async () => {
    const scalars = { temperature: 0 };
    const onnx = toOnnx(graph, { tensors, scalars, fold: false });
    const key = "feature.1.FFN_1.binary_conv.weight";
    expect([...readOnnx(onnx).initializers.get(key)!.floats]).toEqual([...tensors[key].data]);
    const x = randomImages(graph.inputs[0].shape, 3);
    const expected = evaluate(graph, { x, temperature: 0 }, tensors).outputs.logits;
    expectClose((await runOnnx(onnx, { x })).logits.data, expected.data, 1e-5, "logits");
  });

  it("takes constants of every type, and outputs that are constants", async () => {
    const b = new GraphBuilder("test");
    const x = b.input("x", [1, 3]);
    const w = weight(b, "w", [3]);
    const mask = b.op("greater", [w, b.constant(0)]);
    b.output("masked", b.op("where", [mask, x, b.constant(0)]));
    b.output("doubled", b.op("add", [w, w]));
    b.output("w", b.op("add", [x, w]));
    b.output("one", b.constant(1, [2]));
    const graph = { ...b.build() };
    const tensors = { w: { shape: [3], data: Float32Array.of(1, -1, 2) } };
    const renamed = { ...graph, outputs: { ...graph.outputs, w: graph.outputs.doubled } };
    expect(() => toOnnx(renamed, { tensors })).toThrow(/output "w" has the name of an input or/);
    const { w: sum, ...outputs } = graph.outputs;
    const onnx = toOnnx({ ...graph, outputs: { ...outputs, sum } }, { tensors });
    const feeds = { x: { shape: [1, 3], data: Float32Array.of(5, 6, 7) } };
    const results = await runOnnx(onnx, feeds);
    expect([...results.masked.data]).toEqual([5, 0, 7]);
    expect([...results.doubled.data]).toEqual([2, -2, 4]);
    expect([...results.sum.data]).toEqual([6, 5, 9]);
    expect([...results.one.data]).toEqual([1, 1]);
  });

  it("says which tensor is missing, misshapen or not finite", () => {
    const graph = graphOf([1, 3], (b, x) => b.op("mul", [x, weight(b, "layer.w", [3])]));
    const given = (data: number[]) => ({
      "layer.w": { shape: [3], data: Float32Array.from(data) },
    });
    expect(() => toOnnx(graph, { tensors: {} })).toThrow(/layer\.w: no .*\[3\] wanted/);
    expect(() => toOnnx(graph, { tensors: given([1, 2]) })).toThrow(/layer\.w: shape \[3\] wanted/);
    expect(() => toOnnx(graph, { tensors: given([1, 2, NaN]) })).toThrow(/layer\.w.*NaN/);
    expect(() => toOnnx(graph, { tensors: {}, fold: false })).toThrow(
      /layer\.w: no .*\[3\] wanted/,
    );
    expect(() => toOnnx(graph, { fold: true })).toThrow(/needs inference mode and tensors/);
  });
});

describe("what follows a convolution", () => {
  const shape = [2, 4, 6, 6];
  const conv = (b: GraphBuilder, x: string, groups = 1) =>
    conv2d(b, "conv", x, { out: 8, kernel: 3, stride: 2, groups });
  const signs = (b: GraphBuilder, x: string) =>
    b.op("sign", [x], { estimator: "identity", range: 1, zero: -1 });
  const scaled = { scale: "channel-mean", estimator: "clip", range: 1 } as const;

  async function typesOfExport(define: (b: GraphBuilder, x: string) => string): Promise<string[]> {
    const graph = graphOf(shape, define);
    return opTypes(await expectExported(graph, randomWeights(graph, 4), [1, 3]));
  }

  it("folds into it: batch-norm, scale and shift", async () => {
    const types = await typesOfExport((b, x) => {
      const normed = batchNorm(b, "bn", conv(b, x, 2));
      const times = b.op("mul", [weight(b, "s", [1, 8, 1, 1]), normed]);
      return b.op("bias", [
        b.op("add", [times, weight(b, "t", [1, 8, 1, 1])]),
        weight(b, "u", [8]),
      ]);
    });
    expect(types).toEqual(["Conv"]);
  });

  it("stays where the convolution's own output is read, or an output", async () => {
    const twice = await typesOfExport((b, x) => {
      const y = conv(b, x);
      return b.op("add", [batchNorm(b, "bn", y), y]);
    });
    expect(twice).toEqual(["Conv", "BatchNormalization", "Add"]);
    const output = await typesOfExport((b, x) => {
      const y = conv(b, x);
      b.output("raw", y);
      return batchNorm(b, "bn", y);
    });
    expect(output).toEqual(["Conv", "BatchNormalization"]);
  });

  it("stays where it is no constant per channel", async () => {
    const whole = await typesOfExport((b, x) => b.op("add", [conv(b, x), b.constant(1)]));
    expect(whole).toEqual(["Conv", "Add"]);
    const self = await typesOfExport((b, x) => {
      const y = conv(b, x);
      return b.op("add", [y, y]);
    });
    expect(self).toEqual(["Conv", "Add"]);
  });

  it("keeps weights that two convolutions share apart", async () => {
    const types = await typesOfExport((b, x) => {
      const w = weight(b, "w", [8, 4, 1, 1]);
      const attrs = { stride: [1, 1], padding: [0, 0], groups: 1 };
      const [p, q] = ["p", "q"].map((name) =>
        batchNorm(b, `${name}.bn`, b.op("conv", [x, w], attrs, name)),
      );
      return b.op("sub", [p, q]);
    });
    expect(types).toEqual(["Conv", "Conv", "Sub"]);
  });

  it("takes over the magnitude of 1-bit weights, which become -1 and +1", async () => {
    const graph = graphOf(shape, (b, x) => {
      const y = binaryConv2d(b, "conv", signs(b, x), { out: 8, kernel: 3, binarizer: scaled });
      return batchNorm(b, "bn", y);
    });
    const onnx = await expectExported(graph, randomWeights(graph, 4), [2]);
    expect(opTypes(onnx).slice(-2)).toEqual(["Conv", "BatchNormalization"]);
    const { initializers } = readOnnx(onnx);
    expect(initializers.get("conv.weight:signs")!.floats.every((w) => Math.abs(w) === 1)).toBe(
      true,
    );
    expect(initializers.has("conv.weight")).toBe(false);
  });

  it("becomes a factor of its own where nothing can take it, so that a zero sum stays zero", async () => {
    const types = await typesOfExport((b, x) => {
      const options = { kernel: 1, binarizer: scaled } as const;
      const y = binaryConv2d(b, "c1", signs(b, x), { ...options, out: 8 });
      return binaryConv2d(b, "c2", signs(b, y), { ...options, out: 3 });
    });
    const sign = ["Greater", "Where"];
    expect(types).toEqual([...sign, "Conv", "Mul", ...sign, "Conv", "Mul"]);
  });

  it("is the same with padding of +1 and -1, and before a classifier", async () => {
    const graph = graphOf(shape, (b, x) => {
      const options = { kernel: 3, binarizer: scaled } as const;
      const y = binaryConv2d(b, "c1", signs(b, x), { ...options, out: 4, padValue: 1 });
      const z = binaryConv2d(b, "c2", signs(b, y), { ...options, out: 8, padValue: -1 });
      const pooled = globalAveragePool(b, "pool", batchNorm(b, "bn", z));
      return linear(b, "fc", pooled, 3);
    });
    await expectExported(graph, randomWeights(graph, 4), [1, 4]);
  });
});

describe("outputs", () => {
  it("may be two names of one value, and an input", async () => {
    const b = new GraphBuilder("test");
    const x = b.input("x", [1, 2]);
    const y = b.op("neg", [x]);
    b.output("first", y);
    b.output("second", y);
    b.output("same", x);
    const feeds = { x: { shape: [1, 2], data: Float32Array.of(1, 2) } };
    const outputs = await runOnnx(toOnnx(b.build(), { tensors: {} }), feeds);
    expect([...outputs.first.data, ...outputs.second.data]).toEqual([-1, -2, -1, -2]);
    expect([...outputs.same.data]).toEqual([1, 2]);
  });

  it("may not have an input's name", () => {
    const b = new GraphBuilder("test");
    b.output("x", b.op("neg", [b.input("x", [1])]));
    expect(() => toOnnx(b.build())).toThrow(/output "x" has the name of an input/);
  });
});

describe.each(["bnext", "bnext-18", "reactnet", "reactnet-18"])("%s at narrow widths", (model) => {
  const widths = { bnext: [6, 12, 24, 24], reactnet: [6, 12, 12, 24] }[model];
  const size = model === "reactnet-18" ? 64 : 32;
  const options = {
    classes: 5,
    input: [3, size, size] as const,
    ...(widths ? { widths } : { width: 4 }),
  };

  it.each(["binary", "step1", "real"] as const)("%s: exported as evaluated", async (form) => {
    const graph = buildModel(model, { ...options, form });
    const scalars = graph.inputs.length > 1 ? { temperature: 0 } : undefined;
    const { logits } = graph.outputs;
    await expectExported(
      { ...graph, outputs: { logits } },
      randomWeights(graph, 2),
      [1, 3],
      scalars,
    );
  });
});
