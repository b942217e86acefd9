import { describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import {
  batchNorm,
  binaryConv2d,
  conv2d,
  globalAveragePool,
  linear,
  network,
  sign,
} from "../graph/layers.js";
import { rebatch } from "../graph/rebatch.js";
import { type Graph, type GraphInput, sizeOf, type Tensor } from "../graph/types.js";
import { buildModel } from "../models/index.js";
import { compactProgram } from "../program/compact.js";
import { programCost } from "../program/cost.js";
import { runValues } from "../runtime/backends/reference/program.js";
import { expectClose } from "../test-support/close.js";
import { comparePacked } from "../test-support/compare-packed.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { smallNetworks } from "../test-support/small-networks.js";
import { pack, unpack } from "./index.js";
import { mergeSiblings } from "./merge-siblings.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const larger = { classes: 7, input: [3, 64, 64] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };
const reactnet = { ...small, widths: [6, 12, 12, 24, 24] };
const networks: typeof smallNetworks = [
  ...smallNetworks.filter(([label]) => !/\d-8/.test(label)),
  ["bnext without gates and ELM", "bnext", { ...bnext, gate: "none", elm: false }],
  [
    "bnext-18, large stem",
    "bnext-18",
    { classes: 7, input: [3, 64, 64], width: 8, stem: "imagenet" },
  ],
  ["bnext-18, real", "bnext-18", { ...small, width: 8, form: "real" }],
  ["reactnet-a, step 1", "reactnet", { ...reactnet, form: "step1" }],
  ["reactnet-a, real", "reactnet", { ...reactnet, form: "real" }],
  ["reactnet-a, PReLU", "reactnet", { ...reactnet, activation: "prelu" }],
  ["reactnet-a, bare", "reactnet", { ...reactnet, activation: "none", rsign: false }],
  ["reactnet-18, bare", "reactnet-18", { ...larger, width: 8, activation: "none", rsign: false }],
  [
    "pokebnn, real",
    "pokebnn-1.0x",
    { ...small, widthMultiplier: 0.25, depths: [1, 2, 1, 1], form: "real" },
  ],
  ["linear", "linear", small],
  ["resnet-18", "resnet-18", { ...larger, width: 8 }],
  ["resnet-50", "resnet-50", { ...larger, width: 4 }],
  ["resnet-20", "resnet-20", { ...small, width: 4, depths: [2, 1, 1] }],
  ["resnet-20, odd maps", "resnet-20", { ...small, input: [3, 13, 15], depths: [1, 1, 1] }],
  ["resnet-20, option B", "resnet-20", { ...small, width: 4, shortcut: "conv" }],
  ["mobilenet-v1", "mobilenet-v1", { ...larger, widths: [8, 16, 32, 32, 64] }],
  ["mobilenet-v1, relu6", "mobilenet-v1", { ...larger, widths: [8, 16], activation: "relu6" }],
];

describe("whole networks, packed, against float64", () => {
  it.each(networks)("%s", (_, name, options) => {
    const graph = buildModel(name, options);
    const weights = randomWeights(graph, 1);
    const packed = pack(graph, weights);
    const image = randomImages(graph.inputs[0].shape, 2);
    const result = comparePacked(graph, weights, packed, image);
    expect(result.margin).toBeGreaterThan(1e-5);
    expect(result.uncovered).toEqual([]);
    expect(result.differentBits).toBe(0);
    expect(result.error, result.worst).toBeLessThan(1e-5);
    const outputs = Object.keys(packed.program.outputs);
    const wanted = Object.keys(graph.outputs).filter((o) => name !== "linear" || o === "logits");
    expect(outputs).toEqual(wanted);
  });

  it("takes rows of a table, [N, C]", () => {
    const graph = network("table", [8, 12], (b, x) => {
      const hidden = b.op("relu", [linear(b, "fc1", x, 20)], {}, "relu");
      return linear(b, "fc2", hidden, 5);
    });
    const weights = randomWeights(graph, 1);
    const packed = pack(graph, weights);
    const { input, values, outputs } = packed.program;
    expect(values[input]).toEqual({ name: "x", kind: "vector", shape: [1, 1, 12] });
    const x = randomImages([1, 12], 3);
    const { logits } = evaluate(rebatch(graph, 1), { x }, weights).outputs;
    const packedLogits = runValues(packed.program, packed.tensors, Float32Array.from(x.data));
    expectClose(packedLogits[outputs.logits], logits.data, 1e-6, "packed");
    const unpacked = unpack(packed.program, packed.tensors);
    expect(unpacked.graph.inputs).toEqual([{ name: "x", shape: [1, 12] }]);
    const again = evaluate(unpacked.graph, { x }, unpacked.tensors).outputs.logits;
    expectClose(again.data, logits.data, 1e-6, "unpacked");
  });

  it("takes a graph of any batch size", () => {
    const options = { ...small, widths: [4, 8] };
    const single = buildModel("reactnet", options);
    const weights = randomWeights(single, 1);
    const batched = pack(buildModel("reactnet", { ...options, batch: 32 }), weights);
    expect(batched).toEqual(pack(single, weights));
  });
});

describe("BNext-T", () => {
  const graph = buildModel("bnext-t");
  const packed = pack(graph, lazyTensors(graph));
  const { program, tensors } = packed;

  it("has a program of at most 40 kB", () => {
    const json = JSON.stringify(compactProgram(program, Object.keys(tensors)));
    expect(json.length).toBeLessThan(40_000);
  });

  it("does its 1-bit arithmetic in bits", () => {
    const cost = programCost(program);
    expect(cost.binaryMacs / 1e9).toBeCloseTo(4.82, 2);
    expect(cost.macs / cost.binaryMacs).toBeLessThan(0.01);
    const bits = Object.values(tensors).filter(({ type }) => type === "bits");
    expect(bits.reduce((sum, { data }) => sum + data.length, 0) * 8).toBe(28_253_184);
  });

  it("reads and writes each feature map few times", () => {
    // Per unit: convolution, mean and two small layers of the gate, one pass to the output.
    expect(program.steps.length).toBeLessThan(170);
    const widening = program.steps.filter(
      ({ epilogue }) => epilogue.filter(([op]) => op === "bits").length === 2,
    );
    expect(widening).toHaveLength(5);
  });
});

describe("ReActNet-A", () => {
  const graph = buildModel("reactnet-a");
  const packed = pack(graph, lazyTensors(graph));

  it("is one step per convolution, pool and classifier; where it widens, one for both", () => {
    const kinds = packed.program.steps.map(({ kind }) => kind);
    const count = (kind: string) => kinds.filter((each) => each === kind).length;
    expect([count("conv"), count("binary-conv"), count("pool"), count("linear")]).toEqual([
      1, 26, 4, 1,
    ]);
    expect(kinds).toHaveLength(32);
    expect(mergeSiblings(packed).program.steps).toHaveLength(32);
    const widening = packed.program.steps.filter(
      (step) =>
        step.kind === "binary-conv" && step.out === 2 * packed.program.values[step.input].shape[2],
    );
    expect(widening.map((step) => "out" in step && step.out)).toEqual([64, 128, 256, 512, 1024]);
    for (const { covers } of widening) {
      expect(covers.filter((name) => /binary_pw_down[12]$/.test(name))).toHaveLength(2);
    }
  });
});

/** Every weight the same small number; made when it is read, as an importer would read it. */
function lazyTensors(graph: Graph): { [key: string]: Tensor } {
  const tensors = {};
  for (const [key, { shape, kind }] of Object.entries(graph.tensors)) {
    const value = kind === "mirror" ? 0 : 0.5;
    const get = () => ({ shape, data: new Float32Array(sizeOf(shape)).fill(value) });
    Object.defineProperty(tensors, key, { enumerable: true, get });
  }
  return tensors;
}

describe("what pack makes of blocks", () => {
  const steps = (name: string, options: object) => {
    const graph = buildModel(name, options);
    return pack(graph, randomWeights(graph, 1)).program.steps;
  };

  it("puts a ReActNet unit into the step of its convolution", () => {
    const unit = steps("reactnet", { ...small, widths: [8, 8] })[1];
    expect(unit.kind).toBe("binary-conv");
    const ops = unit.epilogue.map(([op]) => op);
    expect(ops).toEqual(["affine", "load", "add", "shift", "prelu", "shift", "store", "bits"]);
  });

  it("runs a BNext unit in five steps: convolution, mix of means, gate, gate, output", () => {
    const kinds = steps("bnext", { ...small, widths: [8, 16], elm: false }).map(({ kind }) => kind);
    const unit = ["binary-conv", "pointwise", "linear", "linear", "pointwise"];
    expect(kinds).toEqual(["conv", ...unit, ...unit, ...unit, "linear"]);
  });

  it("shares one sign between the twin convolutions of a widening ReActNet block", () => {
    const [, , first, second] = steps("reactnet", { ...small, widths: [8, 16] });
    expect([first.kind, second.kind]).toEqual(["binary-conv", "binary-conv"]);
    expect(first.input).toBe(second.input);
  });
});

interface Change {
  readonly weight?: (data: Float32Array) => void;
  readonly temperature?: number;
  readonly threshold?: number;
}

/** x -> sign -> 3x3 binary convolution -> batch-norm -> pool -> linear. */
function tiny({ weight, temperature, threshold }: Change = {}) {
  const b = new GraphBuilder("tiny");
  const signs = sign(b, "sign", b.input("x", [1, 3, 4, 4]));
  const conv = binaryConv2d(b, "block.conv", signs, {
    out: 4,
    kernel: 3,
    binarizer: { scale: "none", estimator: "identity", threshold, latentRange: 1.5 },
  });
  b.output("logits", linear(b, "fc", globalAveragePool(b, "pool", batchNorm(b, "bn", conv)), 2));
  const graph = b.build();
  const weights = randomWeights(graph, 1);
  weight?.(weights["block.conv.weight"].data as Float32Array);
  if (temperature !== undefined) weights["block.conv.temperature"].data.fill(temperature);
  return { graph, weights };
}

describe("weights", () => {
  it("are refused while they are not binary, with the epoch at which they will be", () => {
    const { graph, weights } = tiny({ threshold: 1e-7, temperature: 0.9 ** 20 });
    expect(() => pack(graph, weights)).toThrow(
      /^block.conv.binarize: its weights are not binary yet: the temperature is 0.122, they become signs below 1e-7. .* epoch 153, a fraction of 0.30 of 512 epochs; this one stands at epoch 20/,
    );
    expect(() => pack(graph, weights, { temperature: 1e-7 })).toThrow(/not binary yet/);
    expect(pack(graph, weights, { temperature: 9e-8 }).program.steps).toHaveLength(3);
    const done = tiny({ threshold: 1e-7, temperature: 0.9 ** 153 });
    expect(pack(done.graph, done.weights).program.steps).toHaveLength(3);
  });

  it("need a temperature where the network has one", () => {
    const { graph, weights } = tiny({ threshold: 1e-7 });
    delete weights["block.conv.temperature"];
    expect(() => pack(graph, weights)).toThrow(
      /"temperature" is not known; give \{ temperature \}/,
    );
    expect(() => pack(graph, weights, { temperature: -1 })).toThrow(UsageError);
  });

  it("that are exactly 0 are refused, with tensor and count, unless told what they are", () => {
    const { graph, weights } = tiny({ weight: (data) => data.fill(0, 5, 8) });
    expect(() => pack(graph, weights)).toThrow(
      /^block.conv.weight: 3 of 108 weights are exactly 0.*step-1 checkpoint/,
    );
    const bits = (zeroWeights: 1 | -1) => {
      const { tensors } = pack(graph, weights, { zeroWeights });
      return [...tensors["block.conv.weight"].data].map((byte) => byte.toString(2));
    };
    const ones = (texts: string[]) => texts.join("").replaceAll("0", "").length;
    expect(ones(bits(1)) - ones(bits(-1))).toBe(3);
    expect(() => pack(graph, weights, { zeroWeights: 0 as 1 })).toThrow(UsageError);
  });

  it("are refused when they are not finite, missing or of another size", () => {
    const broken = tiny({ weight: (data) => data.fill(Number.NaN, 7, 8) });
    expect(() => pack(broken.graph, broken.weights)).toThrow(
      /^block.conv.weight: element 7 is NaN; weights must be finite/,
    );
    const { graph, weights } = tiny();
    const short = { ...weights, "fc.weight": { shape: [1], data: new Float32Array(1) } };
    expect(() => pack(graph, short)).toThrow(/^fc.weight: shape \[2,4\] wanted, \[1\] given/);
    const { "bn.weight": _, ...missing } = weights;
    expect(() => pack(graph, missing)).toThrow(/^bn.weight: no tensor given, shape \[4\] wanted/);
    const negative = {
      ...weights,
      "bn.running_var": { shape: [4], data: Float32Array.of(1, 1, -9, 1) },
    };
    expect(() => pack(graph, negative)).toThrow(/bn.scale.*not a finite number/);
  });

  it("lie in the order kh, kw, c, least significant bit first", () => {
    const { graph, weights } = tiny({
      weight: (data) => {
        data.fill(-1);
        // Output channel 1, input channel 2, row 0, column 1: bit 1 * 3 + 2.
        data[(1 * 3 + 2) * 9 + 1] = 1;
      },
    });
    const { data, shape } = pack(graph, weights).tensors["block.conv.weight"];
    expect(shape).toEqual([4, 4]);
    expect([...data]).toEqual([0, 0, 0, 0, 1 << 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
  });
});

describe("what cannot be packed is refused by name", () => {
  type Build = (b: GraphBuilder, x: string) => string;
  const cases: [string, Build, RegExp][] = [
    [
      "an op without a packed form",
      (b, x) => b.op("exp", [x], {}, "e"),
      /^e \(exp\): cannot be packed: there is no packed form/,
    ],
    [
      "a binary convolution of what is no sign",
      (b, x) =>
        binaryConv2d(b, "c", x, {
          out: 2,
          kernel: 1,
          binarizer: { scale: "none", estimator: "identity" },
        }),
      /^c \(binary-conv\): .*"x" is not the output of a sign/,
    ],
    [
      "a quotient of two values",
      (b, x) => b.op("div", [x, x], {}, "d"),
      /one value cannot be divided/,
    ],
    [
      "a constant divided by a value",
      (b, x) => b.op("div", [b.constant(1), x], {}, "d"),
      /a constant cannot be divided by a value/,
    ],
    [
      "a constant that is a map",
      (b, x) => b.op("add", [x, b.constant(1, [1, 1, 4, 4])], {}, "a"),
      /^a \(add\): .*"constant_0" \[1,1,4,4\] is not one number per channel of \[1,3,4,4\]/,
    ],
    [
      "a concatenation along rows",
      (b, x) => b.op("concat", [x, x], { axis: 2 }, "c"),
      /^c \(concat\): .*axis 2: only channels/,
    ],
    [
      "rows of zeros that are an output",
      (b, x) => b.op("pad", [x], { before: [0, 0, 1, 0], after: [0, 0, 0, 0], value: 0 }, "p"),
      /^output "y": a padded map cannot be an output/,
    ],
    [
      "rows and channels of zeros",
      (b, x) => b.op("pad", [x], { before: [0, 1, 1, 0], after: [0, 0, 0, 0], value: 0 }, "p"),
      /^p \(pad\): .*only channels of zeros, or rows and columns can be added/,
    ],
    [
      "rows of ones before a real convolution",
      (b, x) => {
        const p = b.op("pad", [x], { before: [0, 0, 1, 0], after: [0, 0, 0, 0], value: 1 }, "p");
        return conv2d(b, "c", p, { out: 2, kernel: 1 });
      },
      /^c \(conv\): .*padded with 1; 0 is wanted/,
    ],
    [
      "rows of zeros before a maximum",
      (b, x) => {
        const p = b.op("pad", [x], { before: [0, 0, 1, 0], after: [0, 0, 0, 0], value: 0 }, "p");
        return b.op("max-pool", [p], { kernel: [2, 2], stride: [1, 1], padding: [0, 0] }, "m");
      },
      /^m \(max-pool\): .*padded with 0; -3.4\d+e\+38 is wanted/,
    ],
    [
      "rows of zeros twice",
      (b, x) => {
        const p = b.op("pad", [x], { before: [0, 0, 1, 0], after: [0, 0, 0, 0], value: 0 }, "p");
        return conv2d(b, "c", p, { out: 2, kernel: 3 });
      },
      /^c \(conv\): .*pads a map that is padded already/,
    ],
    [
      "channels of ones",
      (b, x) => b.op("pad", [x], { before: [0, 0, 0, 0], after: [0, 1, 0, 0], value: 1 }, "p"),
      /^p \(pad\): .*only channels of zeros, or rows/,
    ],
    [
      "a mean along rows",
      (b, x) => b.op("mean", [x], { axes: [2], keepDims: true }, "m"),
      /axes \[2\]/,
    ],
    [
      "a reshaped map",
      (b, x) => b.op("reshape", [x], { shape: [1, 6, 2, 4] }, "r"),
      /^r \(reshape\): .*only flattening can be packed/,
    ],
    [
      "arithmetic on a flattened map",
      (b, x) => b.op("relu", [b.op("reshape", [x], { shape: [0, -1] }, "flat")], {}, "r"),
      /^r \(relu\): .*"flat", a flattened map; only linear can/,
    ],
    [
      "weights that are not binary",
      (b, x) => {
        const spec = { shape: [2, 3, 1, 1], kind: "parameter", role: "binary" } as const;
        const w = b.tensor("w", { ...spec, init: { kind: "constant", value: 1 } });
        const attrs = { stride: [1, 1], padding: [0, 0], groups: 1, padValue: 0 };
        return b.op("binary-conv", [sign(b, "s", x), w], attrs, "c");
      },
      /^w, output channel 0: holds .* and .*, which is not binary/,
    ],
    [
      "a product of map and one-channel map",
      (b, x) => {
        const spec = { shape: [1, 3, 1, 1], kind: "parameter", role: "other" } as const;
        const w = b.tensor("w", { ...spec, init: { kind: "constant", value: 1 } });
        const one = b.op("conv", [x, w], { stride: [1, 1], padding: [0, 0], groups: 1 });
        return b.op("mul", [x, one], {}, "m");
      },
      /^m \(mul\): .*maps of \[4,4,3\] and \[4,4,1\]/,
    ],
    [
      "a vector that broadcasts along the columns of a map",
      (b, x) => {
        const pooled = b.op("global-average-pool", [x], {}, "pooled");
        const vector = b.op("reshape", [pooled], { shape: [0, -1] }, "vector");
        return b.op(
          "mul",
          [x, b.op("slice", [vector], { axis: 1, start: 0, end: 1 }, "one")],
          {},
          "m",
        );
      },
      /^m \(mul\): .*\[1,3,4,4\] and \[1,1\] do not combine: broadcasting counts axes from the last/,
    ],
  ];
  it.each(cases)("%s", (_, build, message) => {
    const b = new GraphBuilder("net");
    b.output("y", build(b, b.input("x", [1, 3, 4, 4])));
    const graph = b.build();
    const run = () => pack(graph, randomWeights(graph, 1));
    expect(run).toThrow(OnebitError);
    expect(run).toThrow(message);
  });

  it("a graph with two images, or none", () => {
    const inputs = (list: GraphInput[]): Graph => {
      const b = new GraphBuilder("net");
      for (const { name, shape } of list) b.input(name, shape);
      b.output("y", b.constant(1, [1, 1]));
      return b.build();
    };
    const two = inputs([
      { name: "x", shape: [1, 1, 2, 2] },
      { name: "y0", shape: [1, 1, 2, 2] },
    ]);
    expect(() => pack(two, {})).toThrow(
      /one input \[N, C, H, W\] or \[N, C\] besides scalars; found: x \[1,1,2,2\], y0/,
    );
    expect(() => pack(inputs([]), {})).toThrow(/found: none/);
    const one = inputs([{ name: "x", shape: [1, 1, 2, 2] }]);
    expect(() => pack(one, {})).toThrow(/output "y": .* does not depend on the image/);
  });
});
