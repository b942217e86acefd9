import { InferenceSession } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { readOnnx } from "../test-support/read-onnx.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { encodeModel, type OnnxAttribute, type OnnxModel, type OnnxNode } from "./model-proto.js";

const x = { shape: [2, 3], data: Float32Array.of(-3, -2, -1, 1, 2, 3) };

function node(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: { readonly [name: string]: OnnxAttribute } = {},
): OnnxNode {
  return { name: `${opType} of ${outputs[0]}`, opType, inputs, outputs, attributes };
}

function model(parts: Partial<OnnxModel>): OnnxModel {
  return {
    ...{ name: "test", opset: 17, nodes: [], initializers: [], metadata: {} },
    inputs: [{ name: "x", shape: x.shape }],
    outputs: [{ name: "y", shape: ["a", "b"] }],
    ...parts,
  };
}

const run = async (parts: Partial<OnnxModel>) => {
  const { y } = await runOnnx(encodeModel(model(parts)), { x });
  return Array.from(y.data);
};

describe("a model that ONNX Runtime reads", () => {
  it("has whole-number attributes of any sign and size", async () => {
    const whole = [0, 1, 127, 128, 2 ** 40, 2 ** 53 - 1, -1, -128, -(2 ** 31) - 1, 1 - 2 ** 53];
    const nodes = [
      node("Constant", [], ["c"], { value_ints: { kind: "ints", value: whole } }),
      node("Cast", ["c"], ["y"], { to: { kind: "int", value: 1 } }),
    ];
    expect(await run({ nodes, outputs: [{ name: "y", shape: [whole.length] }] })).toEqual(
      whole.map(Math.fround),
    );
    for (const value of whole) {
      const single = node("Constant", [], ["c"], { value_int: { kind: "int", value } });
      const outputs = [{ name: "y", shape: [] }];
      expect(await run({ nodes: [single, nodes[1]], outputs })).toEqual([Math.fround(value)]);
    }
  });

  it("has float attributes", async () => {
    for (const value of [0.1, -2.5, 1e-38, 3e38]) {
      const constant = node("Constant", [], ["y"], { value_float: { kind: "float", value } });
      const outputs = [{ name: "y", shape: [] }];
      expect(await run({ nodes: [constant], outputs })).toEqual([Math.fround(value)]);
    }
  });

  it("has text attributes and float, int64 and bool initialisers", async () => {
    const initializers = [
      { name: "pads", shape: [4], data: BigInt64Array.of(0n, 1n, 0n, -1n) },
      { name: "mask", shape: [2, 1], data: Uint8Array.of(1, 0) },
      { name: "else", shape: [], data: Float32Array.of(0.25) },
    ];
    const edge: OnnxAttribute = { kind: "string", value: "edge" };
    const nodes = [
      node("Pad", ["x", "pads"], ["padded"], { mode: edge }),
      node("Where", ["mask", "padded", "else"], ["y"]),
    ];
    expect(await run({ nodes, initializers })).toEqual([-3, -3, -2, 0.25, 0.25, 0.25]);
  });

  it("has initialisers that start anywhere in a larger buffer, and scalars", async () => {
    const values = Float32Array.of(9, 9, 9, 10, 20, 30).subarray(3);
    const initializers = [{ name: "row", shape: [3], data: values }];
    expect(await run({ nodes: [node("Add", ["x", "row"], ["y"])], initializers })).toEqual([
      7, 18, 29, 11, 22, 33,
    ]);
  });

  it("has long names and texts beyond ASCII", async () => {
    const name = `größe/${"n".repeat(20_000)}`;
    const bytes = encodeModel(
      model({
        nodes: [node("Neg", ["x"], [name])],
        outputs: [{ name, shape: [2, 3] }],
        metadata: { labels: JSON.stringify(Array<string>(5000).fill("大きい")), empty: "" },
      }),
    );
    const outputs = await runOnnx(bytes, { x });
    expect(Object.keys(outputs)).toEqual([name]);
    expect(JSON.parse(readOnnx(bytes).metadata.labels)).toHaveLength(5000);
  });

  it("has symbolic dimensions", async () => {
    const parts = {
      nodes: [node("Neg", ["x"], ["y"])],
      inputs: [{ name: "x", shape: ["N", 3] }],
      outputs: [{ name: "y", shape: ["N", 3] }],
    };
    const session = await InferenceSession.create(encodeModel(model(parts)));
    const [input] = session.inputMetadata;
    expect(input.isTensor && input.shape).toEqual(["N", 3]);
    await session.release();
  });
});

it("is refused above 2 GiB, before memory is asked for", () => {
  const block = new Float32Array(2 ** 24);
  const initializers = Array.from({ length: 33 }, (_, i) => {
    return { name: `w${i}`, shape: [block.length], data: block };
  });
  expect(() => encodeModel(model({ initializers }))).toThrow(
    /test: 22145\d* bytes.*without weights/,
  );
});
