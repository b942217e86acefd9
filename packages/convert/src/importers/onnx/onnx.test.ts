import { evaluate } from "onebit/graph";
import { floatModelGraph } from "onebit/models";
import { pack } from "onebit/pack";
import { describe, expect, it } from "vitest";
import { comparePacked } from "../../../../core/src/test-support/compare-packed.js";
import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { onnxModel, type TestConstants, type TestNode } from "../test-support/onnx-models.js";

/** Three channels of 3x3, a value that is exactly 0 among them. */
import {
  at0,
  compare,
  image,
  kernel,
  numbers,
  padded,
  read,
  rest,
  shape,
  t,
  weights,
  where,
} from "../test-support/onnx-network.js";

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
