import { OnebitError } from "onebit";
import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { ProtobufWriter } from "../../../../core/src/onnx/protobuf.js";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { onnxModel, type TestConstants, type TestNode } from "../test-support/onnx-models.js";

/** Three channels of 3x3, a value that is exactly 0 among them. */
const image = Float32Array.from({ length: 27 }, (_, i) => ((i * 7) % 11) - 5);
const shape = [1, 3, 3, 3];
const kernel = Float32Array.from({ length: 3 * 3 * 9 }, (_, i) => ((i * 5) % 7 > 3 ? 1 : -1));
const weights: TestConstants = { w: [[3, 3, 3, 3], kernel] };
const padded = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };

/** From signs "s" on: a 1-bit convolution, means, scores. */
const rest: readonly TestNode[] = [
  { op: "Conv", inputs: ["s", "w"], out: "c", attrs: padded },
  { op: "GlobalAveragePool", inputs: ["c"], out: "p" },
  { op: "Flatten", inputs: ["p"], out: "y" },
];

const read = (nodes: readonly TestNode[], constants: TestConstants = weights) =>
  importCheckpoint(memoryBuffer(onnxModel(["N", 3, 3, 3], nodes, constants), "net.onnx"), {
    input: [3, 3, 3],
    preprocess: { mean: [0], std: [1] },
  });

/** The definition in plain loops; signs: of an element. */
function expected(
  signs: (x: number, channel: number) => number,
  scale = (_: number) => 1,
): number[] {
  return [0, 1, 2].map((o) => {
    let sum = 0;
    for (let y = 0; y < 3; y++)
      for (let x = 0; x < 3; x++)
        for (let c = 0; c < 3; c++)
          for (let ky = 0; ky < 3; ky++)
            for (let kx = 0; kx < 3; kx++) {
              const [iy, ix] = [y + ky - 1, x + kx - 1];
              if (iy < 0 || ix < 0 || iy > 2 || ix > 2) continue;
              const w = kernel[((o * 3 + c) * 3 + ky) * 3 + kx];
              sum += signs(image[(c * 3 + iy) * 3 + ix], c) * w;
            }
    return (sum * scale(o)) / 9;
  });
}

async function computes(
  nodes: readonly TestNode[],
  wanted: readonly number[],
  constants?: TestConstants,
) {
  const { model, report } = await read(nodes, constants);
  expect(report).toMatchObject({ format: "onnx", family: "onnx", binary: true });
  const graph = floatModelGraph(model);
  const x = { shape, data: image };
  const { logits } = evaluate(graph, { x }, model.tensors).outputs;
  for (const [i, value] of wanted.entries()) expect(logits.data[i]).toBeCloseTo(value, 5);
  const packed = pack(graph, model.tensors);
  expect(packed.program.steps.map(({ kind }) => kind)).toContain("binary-conv");
  expect(comparePacked(graph, model.tensors, packed, x)).toMatchObject({ differentBits: 0 });
}

it("says which outputs beside the scores it leaves out", async () => {
  const nodes: TestNode[] = [
    { op: "Sign", inputs: ["x"], out: "s" },
    ...rest.slice(0, -1),
    { op: "Flatten", inputs: ["p"], out: "logits" },
  ];
  const model = (...outputs: string[]) =>
    importCheckpoint(
      memoryBuffer(onnxModel([1, 3, 3, 3], nodes, weights, outputs), "net.onnx"),
      {},
    );
  const { report } = await model("c", "logits", "p");
  expect(report.notes).toEqual(
    expect.arrayContaining(["its output c is left out", "its output p is left out"]),
  );
  expect((await model("logits")).report.notes.join()).not.toMatch(/is left out/);
});

const at0 = (zero: number) => (x: number) => Math.sign(x) || zero;
const compare = (op: string, inputs = ["x", "t"]): TestNode => ({ op, inputs, out: "b" });
const where: TestNode = { op: "Where", inputs: ["b", "one", "minus"], out: "s" };
const numbers: TestConstants = {
  ...weights,
  ...{ zero: [[], [0]], one: [[], [1]], two: [[], [2]], minus: [[], [-1]], half: [[], [0.5]] },
  t: [
    [1, 3, 1, 1],
    [1, -2, 0],
  ],
};
const t = [1, -2, 0];

describe("a sign in the form of", () => {
  const forms: readonly [string, readonly TestNode[], (x: number, c: number) => number][] = [
    ["Sign, 0 as -1", [{ op: "Sign", inputs: ["x"], out: "s" }], at0(-1)],
    [
      "Sign of a sign and a half, 0 as +1",
      [
        { op: "Sign", inputs: ["x"], out: "a" },
        { op: "Add", inputs: ["a", "half"], out: "b" },
        { op: "Sign", inputs: ["b"], out: "s" },
      ],
      at0(1),
    ],
    ["Where and Greater", [compare("Greater"), where], (x, c) => (x > t[c] ? 1 : -1)],
    [
      "Where and GreaterOrEqual",
      [compare("GreaterOrEqual"), where],
      (x, c) => (x >= t[c] ? 1 : -1),
    ],
    ["Where and Less", [compare("Less"), where], (x, c) => (x < t[c] ? 1 : -1)],
    ["Where and LessOrEqual", [compare("LessOrEqual"), where], (x, c) => (x <= t[c] ? 1 : -1)],
    [
      "Where and a comparison from the other side",
      [compare("Greater", ["t", "x"]), where],
      (x, c) => (t[c] > x ? 1 : -1),
    ],
    [
      "Where that gives -1 where it is true",
      [compare("Greater"), { ...where, inputs: ["b", "minus", "one"] }],
      (x, c) => (x > t[c] ? -1 : 1),
    ],
    [
      "Where and Not",
      [
        compare("Greater"),
        { op: "Not", inputs: ["b"], out: "n" },
        { ...where, inputs: ["n", "one", "minus"] },
      ],
      (x, c) => (x > t[c] ? -1 : 1),
    ],
    [
      "two times a truth less one",
      [
        compare("Greater"),
        { op: "Cast", inputs: ["b"], out: "f", attrs: { to: 1 } },
        { op: "Mul", inputs: ["f", "two"], out: "d" },
        { op: "Sub", inputs: ["d", "one"], out: "s" },
      ],
      (x, c) => (x > t[c] ? 1 : -1),
    ],
    [
      "a straight-through estimator, whose gradient's value is not looked at",
      [
        { op: "Sign", inputs: ["x"], out: "a" },
        { op: "Erf", inputs: ["x"], out: "g" },
        { op: "Sub", inputs: ["a", "g"], out: "d" },
        { op: "Add", inputs: ["d", "g"], out: "s" },
      ],
      at0(-1),
    ],
    [
      "Brevitas's BipolarQuant",
      [{ op: "BipolarQuant", inputs: ["x", "one"], out: "s", domain: "qonnx.custom_op.general" }],
      at0(1),
    ],
    [
      "BipolarQuant with a scale",
      [{ op: "BipolarQuant", inputs: ["x", "half"], out: "s", domain: "onnx.brevitas" }],
      (x) => 0.5 * at0(1)(x),
    ],
    [
      "FINN's MultiThreshold with one threshold",
      [
        {
          ...{ op: "MultiThreshold", inputs: ["x", "m"], out: "s" },
          ...{ domain: "finn.custom_op.general", attrs: { out_scale: "2f", out_bias: "-1f" } },
        },
      ],
      (x, c) => (x >= t[c] ? 1 : -1),
    ],
  ];
  it.each(forms)("%s is packed", async (_, nodes, signs) => {
    await computes([...nodes, ...rest], expected(signs), { ...numbers, m: [[3, 1], t] });
  });

  it("padding before it is padding of signs", async () => {
    const valid = rest.map((node) =>
      node.op === "Conv" ? { ...node, attrs: { kernel_shape: [3, 3] } } : node,
    );
    const pads: TestConstants = { pads: [[8], [0, 0, 1, 1, 0, 0, 1, 1], "int64"], ...numbers };
    const nodes: TestNode[] = [
      { op: "Pad", inputs: ["x", "pads"], out: "x1" },
      { ...compare("Greater", ["x1", "zero"]), out: "b" },
      where,
      ...valid,
    ];
    // 0 is not above 0: what is outside is -1.
    const outside = expected(at0(-1)).map((value, o) => {
      let sum = 0;
      for (let i = 0; i < 9; i++)
        for (let tap = 0; tap < 9; tap++) {
          const [y, x] = [Math.floor(i / 3) + Math.floor(tap / 3) - 1, (i % 3) + (tap % 3) - 1];
          if (y >= 0 && x >= 0 && y <= 2 && x <= 2) continue;
          for (let c = 0; c < 3; c++) sum -= kernel[(o * 3 + c) * 9 + tap];
        }
      return value + sum / 9;
    });
    await computes(nodes, outside, pads);
  });
});

describe("weights", () => {
  const sign: TestNode = { op: "Sign", inputs: ["x"], out: "s" };
  const latent = kernel.map((w, i) => w * (0.25 + (i % 4) / 8));

  it("of one size for each output are signs and a scale", async () => {
    const scaled = kernel.map((w, i) => w * [0.5, 2, 0.25][Math.floor(i / 27)]);
    const scale = (o: number) => [0.5, 2, 0.25][o];
    await computes([sign, ...rest], expected(at0(-1), scale), { w: [[3, 3, 3, 3], scaled] });
  });

  it("that a straight-through sum left a rounding apart are those", async () => {
    const rounded = kernel.map((w, i) => Math.fround(w * 0.1 + (i % 3) * 6e-9));
    await computes(
      [sign, ...rest],
      expected(at0(-1), () => 0.1),
      { w: [[3, 3, 3, 3], rounded] },
    );
  });

  it("made of latent ones in the file are computed there", async () => {
    const nodes: TestNode[] = [
      { op: "Abs", inputs: ["l"], out: "abs" },
      { op: "ReduceMean", inputs: ["abs"], out: "mean", attrs: { axes: [1, 2, 3] } },
      { op: "Sign", inputs: ["l"], out: "signs" },
      { op: "Mul", inputs: ["mean", "signs"], out: "hard" },
      { op: "Clip", inputs: ["l", "minus", "one"], out: "soft" },
      { op: "Sub", inputs: ["hard", "soft"], out: "difference" },
      { op: "Add", inputs: ["difference", "soft"], out: "w" },
      sign,
      ...rest,
    ];
    const mean = (o: number) =>
      latent.slice(27 * o, 27 * o + 27).reduce((sum, w) => sum + Math.abs(w), 0) / 27;
    const { w: _, ...others } = numbers;
    await computes(nodes, expected(at0(-1), mean), { ...others, l: [[3, 3, 3, 3], latent] });
  });

  it("of BipolarQuant have its scale", async () => {
    const bipolar: TestNode = {
      op: "BipolarQuant",
      inputs: ["l", "half"],
      out: "w",
      domain: "qonnx.custom_op.general",
    };
    const { w: _, ...others } = numbers;
    await computes(
      [bipolar, sign, ...rest],
      expected(at0(-1), () => 0.5),
      { ...others, l: [[3, 3, 3, 3], latent] },
    );
  });
});

describe("what exporters fold out", () => {
  const sign: TestNode = { op: "Sign", inputs: ["x"], out: "s" };
  /** Of +1 and -1 in maps, as torch.ones_like makes them. */
  const full: TestConstants = {
    ...numbers,
    ones: [shape, new Float32Array(27).fill(1)],
    minuses: [shape, new Float32Array(27).fill(-1)],
  };

  it("signs chosen from whole maps of one number", () =>
    computes(
      [compare("Greater", ["x", "zero"]), { ...where, inputs: ["b", "ones", "minuses"] }, ...rest],
      expected(at0(-1)),
      full,
    ));

  it("pads that PyTorch's older exporter turns round", async () => {
    const { pads: _, ...plain } = padded;
    // F.pad(x, (1, 1, 1, 1)): the last axis first, then zeros for the others, two rows turned round.
    const turned: readonly TestNode[] = [
      { op: "ConstantOfShape", inputs: ["four"], out: "zeros" },
      { op: "Concat", inputs: ["ends", "zeros"], out: "all", attrs: { axis: 0 } },
      { op: "Reshape", inputs: ["all", "pairs"], out: "rows" },
      { op: "Slice", inputs: ["rows", "last", "first", "axis", "last"], out: "back" },
      { op: "Transpose", inputs: ["back"], out: "columns", attrs: { perm: [1, 0] } },
      { op: "Reshape", inputs: ["columns", "last"], out: "list" },
      { op: "Cast", inputs: ["list"], out: "pads", attrs: { to: 7 } },
      { op: "Pad", inputs: ["s", "pads", "zero"], out: "p0" },
    ];
    await computes(
      [sign, ...turned, { ...rest[0], inputs: ["p0", "w"], attrs: plain }, ...rest.slice(1)],
      expected(at0(-1)),
      {
        ...weights,
        zero: [[], [0]],
        four: [[1], [4], "int64"],
        ends: [[4], [1, 1, 1, 1], "int64"],
        pairs: [[2], [-1, 2], "int64"],
        last: [[1], [-1], "int64"],
        first: [[1], [-(2 ** 62)], "int64"],
        axis: [[1], [0], "int64"],
      },
    );
  });
});

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
