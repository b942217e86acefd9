import { OnebitError } from "onebit";
import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "../../../../core/src/onnx/protobuf.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import type { TestConstants, TestNode } from "../test-support/onnx-models.js";
import {
  compare,
  kernel,
  numbers,
  read,
  rest,
  weights,
  where,
} from "../test-support/onnx-network.js";

describe("what is not unambiguous is refused by its node", () => {
  const sign: TestNode = { op: "Sign", inputs: ["x"], out: "s" };
  const cases: readonly [string, readonly TestNode[], RegExp, TestConstants?][] = [
    [
      "real weights behind signs",
      [sign, ...rest],
      /node c \(Conv\): reads signs, and its weights are not binary: output 0/,
      { w: [[3, 3, 3, 3], kernel.map((w, i) => w + i / 100)] },
    ],
    [
      "a weight of 0",
      [sign, ...rest],
      /node c \(Conv\): .*exactly 0/,
      { w: [[3, 3, 3, 3], kernel.with(5, 0)] },
    ],
    [
      "the sign of what is never negative",
      [{ op: "Relu", inputs: ["x"], out: "r" }, { ...sign, inputs: ["r"] }, ...rest],
      /node s \(Sign\): .*gives 0 and 1/,
    ],
    [
      "no sign at all",
      [{ ...rest[0], inputs: ["x", "w"] }, ...rest.slice(1)],
      /no convolution or product .*ONNX Runtime runs this file/,
    ],
    [
      "an operator that is not known",
      [sign, ...rest.slice(0, 1), { op: "LSTM", inputs: ["c"], out: "y" }],
      /node y \(LSTM\): is an operator that onebit does not know/,
    ],
    [
      "activations of several bits",
      [
        {
          op: "Quant",
          inputs: ["x", "one", "zero", "two"],
          out: "s",
          domain: "qonnx.custom_op.general",
        },
        ...rest,
      ],
      /node s \(Quant\): is an operator of qonnx/,
      numbers,
    ],
    [
      "several thresholds",
      [
        { op: "MultiThreshold", inputs: ["x", "m"], out: "s", domain: "finn.custom_op.general" },
        ...rest,
      ],
      /node s \(MultiThreshold\): is an operator of finn/,
      { ...numbers, m: [[3, 3], Array.from({ length: 9 }, (_, i) => i)] },
    ],
    [
      "a node that lacks its input",
      [{ op: "Sign", inputs: [], out: "s" }, ...rest],
      /node s \(Sign\): lacks an input/,
    ],
    [
      "signs chosen from maps of more images",
      [compare("Greater", ["x", "zero"]), { ...where, inputs: ["b", "ones", "minus"] }, ...rest],
      /node s \(Where\): its constant ones is \[2,3,3,3\].*one image/,
      { ...numbers, ones: [[2, 3, 3, 3], new Float32Array(54).fill(1)] },
    ],
    [
      "a constant that unfolds to 6 GB",
      [sign, { op: "Expand", inputs: ["one", "size"], out: "w" }, ...rest],
      /constants unfold to many times the file's size/,
      { one: [[], [1]], size: [[4], [40000, 40000, 1, 1], "int64"] },
    ],
    [
      "two that do so together",
      [sign, { op: "Mul", inputs: ["a", "b"], out: "w" }, ...rest],
      /constants unfold to many times the file's size/,
      {
        a: [[40000, 1, 1, 1], new Float32Array(40000)],
        b: [[1, 40000, 1, 1], new Float32Array(40000)],
      },
    ],
    [
      "a size below 0",
      [sign, { op: "ConstantOfShape", inputs: ["size"], out: "w" }, ...rest],
      /a constant is to have the shape \[-3,3,3,3\], which is none/,
      { size: [[4], [-3, 3, 3, 3], "int64"] },
    ],
    ["a value from nowhere", rest, /reads s|s: no node makes it/],
    [
      "nodes in a circle",
      [{ op: "Neg", inputs: ["b"], out: "s" }, { op: "Neg", inputs: ["s"], out: "b" }, ...rest],
      /[sb]: depends on itself/,
    ],
    [
      "a reshape that is none of a classifier",
      [sign, rest[0], { op: "Reshape", inputs: ["c", "r"], out: "y" }],
      /node y \(Reshape\): \[1,3,3,3\] becomes \[1,9,3,1\]/,
      { ...weights, r: [[4], [1, 9, 3, 1], "int64"] },
    ],
  ];
  it("weights in another file, as PyTorch writes them unless told", async () => {
    const graph = new ProtobufWriter().message(
      5,
      new ProtobufWriter().string(8, "w").varint(14, 1),
    );
    const model = new ProtobufWriter().varint(1, 8).message(7, graph).finish();
    await expect(
      importCheckpoint(memoryBuffer(new Uint8Array(model), "net.onnx"), {}),
    ).rejects.toThrow(/net\.onnx: weights lie in another file .*external_data=False/);
  });

  it.each(cases)("%s", async (_, nodes, message, constants) => {
    const refusal = await read(nodes, constants).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OnebitError);
    expect(String(refusal)).toMatch(/net\.onnx: /);
    expect(String(refusal)).toMatch(message);
  });
});
