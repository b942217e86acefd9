import { OnebitError } from "onebit";
import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { onnxModel, type TestConstants, type TestNode } from "../test-support/onnx-models.js";

const shape = [1, 3, 3, 3];
/** None of them 0: ONNX's Sign gives 0 there. */
const image = Float32Array.from({ length: 27 }, (_, i) => ((i * 7) % 11) - 5.25);
const kernel = Float32Array.from({ length: 81 }, (_, i) => ((i * 5) % 7 > 3 ? 1 : -1));
const constants: TestConstants = {
  ...{ zero: [[], [0]], one: [[], [1]], half: [[], [0.5]], minus: [[], [-1]], lower: [[], [-0.5]] },
  pads: [[8], [0, 0, 1, 1, 0, 0, 1, 1], "int64"],
  ...{ first: [[1], [0], "int64"], ninth: [[1], [9], "int64"], axis1: [[1], [1], "int64"] },
  latent: [[3, 3, 3, 3], kernel.map((w, i) => (i % 5 === 2 ? 0 : w * (0.25 + (i % 4) / 8)))],
  slopes: [
    [1, 3, 1, 1],
    [-1, 2, 0.5],
  ],
};

const node = (
  op: string,
  inputs: readonly string[],
  out: string,
  attrs?: TestNode["attrs"],
): TestNode => ({ op, inputs, out, attrs });
const padded = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };
const conv = node("Conv", ["s", "w"], "c", padded);
const unpadded = node("Conv", ["s", "w"], "c", { kernel_shape: [3, 3] });
const means = (of: string) => [node("GlobalAveragePool", [of], "p"), node("Flatten", ["p"], "y")];
const sign = node("Sign", ["x"], "s");
/** ±0.5, of which a sum takes part before anything else reads it. */
const halves = [
  node("Greater", ["x", "half"], "b"),
  node("Where", ["b", "half", "lower"], "s"),
  node("Add", ["s", "x"], "sum"),
];

function file(nodes: readonly TestNode[], own: TestConstants): Uint8Array<ArrayBuffer> {
  const made = new Set(nodes.map(({ out }) => out));
  const read = new Set(nodes.flatMap(({ inputs }) => inputs));
  const all = Object.entries({ ...constants, w: [[3, 3, 3, 3], kernel] as const, ...own });
  const used = all.filter(([name]) => read.has(name) && !made.has(name));
  return onnxModel(shape, nodes, Object.fromEntries(used));
}

const imported = (bytes: Uint8Array<ArrayBuffer>) =>
  importCheckpoint(memoryBuffer(bytes, "net.onnx"), { preprocess: { mean: [0], std: [1] } });

describe("what ONNX Runtime computes, a network that was read and packed computes", () => {
  it.each<[string, readonly TestNode[], TestConstants?]>([
    [
      "zeros around a map, of which Sign makes zeros",
      [
        node("Pad", ["x", "pads"], "around"),
        node("Sign", ["around"], "s"),
        unpadded,
        ...means("c"),
      ],
    ],
    [
      "a constant before the sign that it is added to",
      [
        node("Sign", ["x"], "a"),
        node("Add", ["half", "a"], "b"),
        node("Sign", ["b"], "s"),
        conv,
        ...means("c"),
      ],
    ],
    [
      "signs times a number, added to and pooled",
      [
        ...halves,
        node("MaxPool", ["s"], "m", padded),
        node("Conv", ["m", "w"], "c", padded),
        node("Add", ["c", "sum"], "z"),
        ...means("z"),
      ],
    ],
    [
      "signs times a number, added to and passed on by a straight-through sum",
      [
        ...halves,
        node("Sub", ["s", "x"], "d"),
        node("Add", ["d", "x"], "passed"),
        node("Add", ["sum", "passed"], "sums"),
        conv,
        node("Add", ["c", "sums"], "z"),
        ...means("z"),
      ],
    ],
    [
      "a part of what was flattened",
      [
        ...[sign, conv, node("Flatten", ["c"], "f")],
        node("Slice", ["f", "first", "ninth", "axis1"], "y"),
      ],
    ],
    [
      "latent weights that are exactly 0, below in one form",
      [
        node("Abs", ["latent"], "sizes"),
        node("ReduceMean", ["sizes"], "mean", { axes: [1, 2, 3] }),
        node("Greater", ["latent", "zero"], "above"),
        node("Where", ["above", "one", "minus"], "signs"),
        node("Mul", ["signs", "mean"], "w"),
        ...[sign, conv, ...means("c")],
      ],
    ],
    [
      "whole numbers of weights",
      [
        node("Cast", ["broken"], "whole", { to: 7 }),
        node("Cast", ["whole"], "w", { to: 1 }),
        ...[sign, conv, ...means("c")],
      ],
      { broken: [[3, 3, 3, 3], kernel.map((w, i) => w * (1 + (i % 3) / 4))] },
    ],
  ])("%s", async (_, nodes, own = {}) => {
    const bytes = file(nodes, own);
    const session = await InferenceSession.create(bytes, { logSeverityLevel: 3 });
    const { y } = await session.run({ x: new Tensor("float32", image, shape) });
    const { model } = await imported(bytes);
    const graph = floatModelGraph(model);
    const x = { shape, data: image };
    const { logits } = evaluate(graph, { x }, model.tensors).outputs;
    expect(logits.data).toHaveLength(y.data.length);
    for (const [i, value] of [...(y.data as Float32Array)].entries())
      expect(logits.data[i]).toBeCloseTo(value, 4);
    const packed = pack(graph, model.tensors);
    expect(comparePacked(graph, model.tensors, packed, x)).toMatchObject({ differentBits: 0 });
  });
});

describe("what would be another network is refused by its node", () => {
  const after = (...nodes: readonly TestNode[]) => [...nodes, conv, ...means("c")];
  const halfOf = (...nodes: readonly TestNode[]) =>
    after(...nodes, node("Sign", [nodes.at(-1)!.out], "s"));
  const relu = node("Relu", ["x"], "r");
  const vector = [
    ...[sign, conv, node("GlobalAveragePool", ["c"], "g"), node("Flatten", ["g"], "v")],
  ];
  const sides = /node s \(Sign\): is the sign of what is never (negative|positive)/;
  it.each<[string, readonly TestNode[], RegExp, TestConstants?]>([
    ["a sign of pooled relus", halfOf(relu, node("MaxPool", ["r"], "m", padded)), sides],
    ["of a sum of them", halfOf(relu, node("Add", ["r", "r"], "m")), sides],
    ["of a relu turned round", halfOf(relu, node("Neg", ["r"], "m")), sides],
    ["of squares", halfOf(node("Mul", ["x", "x"], "m")), sides],
    ["of a minimum with 0", halfOf(node("Min", ["x", "zero"], "m")), sides],
    ["of a sign and 1", halfOf(node("Sign", ["x"], "a"), node("Add", ["a", "one"], "m")), sides],
    [
      "a cast that rounds",
      after(node("Cast", ["x"], "i", { to: 7 }), node("Sign", ["i"], "s")),
      /node i \(Cast\): its element type 7/,
    ],
    [
      "a vector on the last axis of a map",
      [...vector, node("Mul", ["c", "v"], "z"), ...means("z")],
      /node z \(Mul\): \[1,3,3,3\] and \[1,3\]: broadcasting counts axes from the last/,
    ],
    [
      "rows of a map as images",
      [sign, conv, node("Flatten", ["c"], "y", { axis: 2 })],
      /node y \(Flatten\): its axis is 2/,
    ],
    [
      "a swap of channels and rows that looks like a shuffle",
      [
        ...[sign, conv, node("Reshape", ["c", "apart"], "a")],
        node("Transpose", ["a"], "t", { perm: [0, 2, 1, 3] }),
        node("Reshape", ["t", "joined"], "z"),
        ...means("z"),
      ],
      /node z \(Reshape\): .*only a shuffle of channels/,
      { apart: [[4], [1, 3, 3, 3], "int64"], joined: [[4], [1, -1, 3, 3], "int64"] },
    ],
    [
      "an average pool with holes",
      [
        ...[
          sign,
          conv,
          node("AveragePool", ["c"], "a", { kernel_shape: [2, 2], dilations: [2, 2] }),
        ],
        ...means("a"),
      ],
      /node a \(AveragePool\): its dilations are not 1/,
    ],
    [
      "a softmax over images",
      [...vector, node("Softmax", ["v"], "y", { axis: 0 })],
      /node y \(Softmax\): its axis is 0/,
    ],
    [
      "constants that unfold to more than memory",
      after(node("Expand", ["one", "many"], "k"), node("Mul", ["x", "k"], "s")),
      /unfold to many times the file's size/,
      { many: [[2], [2 ** 20, 2 ** 20], "int64"] },
    ],
    [
      "a product of two long constants",
      after(node("Mul", ["column", "row"], "k"), node("Mul", ["x", "k"], "s")),
      /unfold to many times the file's size/,
      { column: [[60000, 1], new Float32Array(60000)], row: [[60000], new Float32Array(60000)] },
    ],
  ])("%s", async (_, nodes, message, own = {}) => {
    const refusal = await imported(file(nodes, own)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(OnebitError);
    expect(String(refusal)).toMatch(message);
  });
});

it("what becomes of 0 under a lone Sign, and a softmax that is left out, are said", async () => {
  const nodes = [
    sign,
    conv,
    ...means("c").slice(0, 1),
    node("Flatten", ["p"], "v"),
    node("Softmax", ["v"], "y", { axis: 1 }),
  ];
  const { report } = await imported(file(nodes, {}));
  expect(report.notes).toContain("Sign gives 0 for exactly 0 in ONNX; here it gives -1");
  expect(report.notes).toContainEqual(expect.stringMatching(/^the softmax .* is left out/));
});

it("QONNX's BipolarQuant of a negative scale is not moved behind a maximum", async () => {
  const behind = [
    node("MaxPool", ["s"], "m", { ...padded, kernel_shape: [3, 3] }),
    node("Add", ["m", "x"], "z"),
    node("Sign", ["z"], "s2"),
    node("Conv", ["s2", "w"], "c2", padded),
    node("Conv", ["m", "w"], "c", padded),
    node("Add", ["c", "c2"], "sum"),
    ...means("sum"),
  ];
  const plain = [
    node("GreaterOrEqual", ["x", "zero"], "b"),
    node("Where", ["b", "lower", "half"], "s"),
  ];
  const session = await InferenceSession.create(file([...plain, ...behind], {}), {
    logSeverityLevel: 3,
  });
  const { y } = await session.run({ x: new Tensor("float32", image, shape) });
  const quant = { ...node("BipolarQuant", ["x", "lower"], "s"), domain: "qonnx.custom_op.general" };
  const { model } = await imported(file([quant, ...behind], {}));
  const x = { shape, data: image };
  const { logits } = evaluate(floatModelGraph(model), { x }, model.tensors).outputs;
  for (const [i, value] of [...(y.data as Float32Array)].entries())
    expect(logits.data[i]).toBeCloseTo(value, 4);
});
