import { mkdir, writeFile } from "node:fs/promises";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { colourClassifier, colourProbabilities } from "./test-support/onnx.js";
import { onebit, onebitJson } from "./test-support/run-cli.js";

const path = temporaryFolder();
const colour = { r: 200, g: 90, b: 40 };
const right = colourProbabilities(Object.values(colour));
const plain = ["--mean", "0", "--std", "1"];

interface Item {
  readonly top: readonly { readonly index: number; readonly probability: number }[];
}

beforeAll(async () => {
  const picture = { create: { width: 8, height: 8, channels: 3, background: colour } } as const;
  await writeFile(path("picture.png"), await sharp(picture).png().toBuffer());
});

async function probabilities(bytes: Uint8Array, ...flags: string[]): Promise<number[]> {
  await writeFile(path("net.onnx"), bytes);
  const args = ["run", path("net.onnx"), path("picture.png"), "--top", "4", ...flags];
  const [{ top }] = await onebitJson<Item[]>(...args);
  const list: number[] = [];
  for (const { index, probability } of top) list[index] = probability;
  return list;
}

function expectRight(found: readonly number[], digits = 5): void {
  expect(found).toHaveLength(4);
  found.forEach((x, k) => {
    expect(x).toBeCloseTo(right[k], digits);
  });
}

const one = { shape: [1], data: [1n] };
const tails: [what: string, tail: string[], more?: Parameters<typeof colourClassifier>[0]][] = [
  ["no softmax", ["Identity logits y"]],
  ["a softmax", ["Softmax logits y"]],
  ["Identity behind it", ["Softmax logits p", "Identity p y"]],
  ["three Identities", ["Softmax logits p", "Identity p q", "Identity q r", "Identity r y"]],
  ["LogSoftmax", ["LogSoftmax logits y"]],
  ["Flatten", ["Softmax logits p", "Flatten p y"]],
  [
    "Reshape",
    ["Softmax logits p", "Reshape p shape y"],
    { tensors: { shape: { shape: [2], data: [-1n, 4n] } } },
  ],
  [
    "Unsqueeze and Squeeze",
    ["Softmax logits p", "Unsqueeze p one q", "Squeeze q one y"],
    { tensors: { one } },
  ],
  [
    "Unsqueeze before and Squeeze behind",
    ["Unsqueeze logits one u", "Softmax u p", "Squeeze p one y"],
    { tensors: { one } },
  ],
  ["Cast to float32", ["Softmax logits p", "Cast p y"], { ints: { Cast: { to: 1 } } }],
  [
    "Cast to float64",
    ["Softmax logits p", "Cast p y"],
    { ints: { Cast: { to: 11 } }, output: { name: "y", shape: ["N", 4], type: 11 } },
  ],
  ["Dropout", ["Softmax logits p", "Dropout p y"]],
  [
    "Clip to 0 and 1",
    ["Softmax logits p", "Clip p low high y"],
    { tensors: { low: { shape: [], data: [1e-7] }, high: { shape: [], data: [1] } } },
  ],
  [
    "Transpose that keeps the classes' order",
    ["Unsqueeze logits axes u", "Softmax u p", "Transpose p t", "Flatten t y"],
    {
      tensors: { axes: { shape: [2], data: [2n, 3n] } },
      ints: { Softmax: { axis: 1 }, Transpose: { perm: [0, 2, 3, 1] } },
    },
  ],
  [
    "[N, classes, 1, 1], softmax over everything behind the batch, as before opset 13",
    ["Unsqueeze logits u", "Softmax u p", "Identity p y"],
    {
      ...{ opset: 11, output: { name: "y", shape: ["N", 4, 1, 1] } },
      ints: { Unsqueeze: { axes: [2, 3] } },
    },
  ],
  [
    "[classes], of one image at a time",
    ["Softmax logits p", "Squeeze p zero y"],
    {
      tensors: { zero: { shape: [1], data: [0n] } },
      ...{ image: { name: "image", shape: [1, 3, 8, 8] }, output: { name: "y", shape: [4] } },
    },
  ],
  ["Exp over ReduceSum", ["Exp logits e", "ReduceSum e one s", "Div e s y"], { tensors: { one } }],
  [
    "percentages",
    ["Softmax logits p", "Mul p hundred y"],
    { tensors: { hundred: { shape: [], data: [100] } } },
  ],
  ["the mean of two softmaxes", ["Softmax logits p", "Softmax logits q", "Mean p q y"]],
];

describe("probabilities of an ONNX classifier that ends in", () => {
  it.each(tails)("%s", async (_, tail, more) => {
    expectRight(await probabilities(colourClassifier({ tail, ...more }), ...plain));
  });

  it("a softmax in float16 is as near as halves allow", async () => {
    const bytes = colourClassifier({
      ...{ tail: ["Softmax logits p", "Cast p y"], ints: { Cast: { to: 10 } } },
      output: { name: "y", shape: ["N", 4], type: 10 },
    });
    expectRight(await probabilities(bytes, ...plain), 3);
  });

  it("a softmax in 8 bits is as near as 1/256 allows", async () => {
    const bytes = colourClassifier({
      tail: ["Softmax logits p", "QuantizeLinear p scale q", "DequantizeLinear q scale y"],
      tensors: { scale: { shape: [], data: [1 / 256] } },
    });
    expectRight(await probabilities(bytes, ...plain), 2);
  });

  it("a softmax over more classes than come out counts among those that do", async () => {
    const numbers = (data: bigint[]) => ({ shape: [1], data });
    const bytes = colourClassifier({
      ...{ tail: ["Softmax logits p", "Slice p from to axis y"] },
      tensors: { from: numbers([1n]), to: numbers([4n]), axis: numbers([1n]) },
      output: { name: "y", shape: ["N", 3] },
    });
    const found = await probabilities(bytes, ...plain);
    found.forEach((x, k) => {
      expect(x).toBeCloseTo(right[k + 1] / (1 - right[0]), 4);
    });
    expect(found).toHaveLength(3);
  });

  it("a sigmoid, with a word about it", async () => {
    await writeFile(path("net.onnx"), colourClassifier({ tail: ["Sigmoid logits y"] }));
    const args = ["run", path("net.onnx"), path("picture.png"), "--top", "4", ...plain, "--json"];
    const { stdout, stderr } = await onebit(...args);
    const [{ top }] = JSON.parse(stdout) as Item[];
    const found = [0, 1, 2, 3].map((k) => top.find(({ index }) => index === k)!.probability);
    expectRight(found, 4);
    expect(stderr).toMatch(/note: it ends in a sigmoid, which judges every class alone/);
  });

  it("positive logits that differ little are no probabilities", async () => {
    const tensors = { ten: { shape: [], data: [10] } };
    const bytes = colourClassifier({ tail: ["Add logits ten s", "Relu s y"], tensors });
    expectRight(await probabilities(bytes, ...plain), 4);
  });

  it("classes before images are refused", async () => {
    const output = { name: "y", shape: [4, "N"] };
    const tail = ["Transpose logits y"];
    await writeFile(path("net.onnx"), colourClassifier({ tail, output }));
    await writeFile(path("labels.txt"), "a\nb\nc\nd\n");
    const run = [
      "run",
      path("net.onnx"),
      path("picture.png"),
      "--labels",
      path("labels.txt"),
      ...plain,
    ];
    const { status, stderr } = await onebit(...run);
    expect(stderr).toMatch(/output "y" is \[4,1\] for 1 image of 4 classes/);
    expect(status).toBe(1);
  });

  it("a softmax over the wrong axis is refused", async () => {
    for (const axis of [0, -1]) {
      const bytes = colourClassifier({
        tail: ["Unsqueeze logits axes u", "Softmax u p", "Flatten p y"],
        ...{ tensors: { axes: { shape: [2], data: [2n, 3n] } }, ints: { Softmax: { axis } } },
      });
      await writeFile(path("net.onnx"), bytes);
      const { status, stderr } = await onebit("run", path("net.onnx"), path("picture.png"));
      expect(stderr).toMatch(/net\.onnx: it ends in a softmax, but .* runs over another axis/);
      expect(status).toBe(1);
    }
  });
});

it("eval of probabilities gives the loss of their logits", async () => {
  const folders = path("data");
  for (const [name, background] of Object.entries({ a: "#f00", b: "#0f0", c: "#00f", d: "#888" })) {
    const picture = sharp({ create: { width: 8, height: 8, channels: 3, background } });
    for (const split of ["train", "test"]) {
      await mkdir(`${folders}/${split}/${name}`, { recursive: true });
      await picture.clone().png().toFile(`${folders}/${split}/${name}/0.png`);
    }
  }
  const loss = async (...tail: string[]) => {
    await writeFile(path("net.onnx"), colourClassifier({ tail }));
    const args = ["eval", path("net.onnx"), "--data", `folder:${folders}`, ...plain];
    return (await onebitJson<{ loss: number }>(...args)).loss;
  };
  const wanted = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [136, 136, 136],
  ].reduce((sum, pixel, k) => sum - Math.log(colourProbabilities(pixel)[k]) / 4, 0);
  expect(await loss("Identity logits y")).toBeCloseTo(wanted, 5);
  expect(await loss("Softmax logits p", "Identity p y")).toBeCloseTo(wanted, 5);
});

describe("an ONNX classifier's images may be", () => {
  const uint8 = { name: "image", shape: ["N", 3, 8, 8], type: 2 };
  /** Pixels of 0 to 255 are divided by 255 inside. */
  const divided = {
    tail: ["Div logits scale y"],
    tensors: { scale: { shape: [], data: [255] } },
  };

  it("uint8: pixels as they are, without a word about normalisation", async () => {
    await writeFile(path("net.onnx"), colourClassifier({ image: uint8, ...divided }));
    const shape = ["--resize", "8", "--crop", "8"];
    const run = ["run", path("net.onnx"), path("picture.png"), "--json", "--top", "4", ...shape];
    const { stdout, stderr } = await onebit(...run);
    expect(stderr).toBe("");
    const [{ top }] = JSON.parse(stdout) as Item[];
    for (const { index, probability } of top) expect(probability).toBeCloseTo(right[index], 5);
    const refused = await onebit(...run, "--mean", "0.5", "--std", "0.5");
    expect(refused.stderr).toMatch(/takes pixels as they are, 0 to 255 .* leave out both/);
    expect(refused.status).toBe(2);
    expect((await onebit(...run, "--mean", "0", "--std", "0.00392157")).status).toBe(0);
  });

  it("uint8 with channels last", async () => {
    const image = { name: "image", shape: ["N", 8, 8, 3], type: 2 };
    expectRight(await probabilities(colourClassifier({ image, ...divided })));
  });

  it.each([
    ["float16", 10, 3],
    ["float64", 11, 5],
  ])("%s", async (_, type, digits) => {
    const image = { name: "image", shape: ["N", 3, 8, 8], type };
    expectRight(await probabilities(colourClassifier({ image }), ...plain), digits);
  });

  it.each([
    ["of open height and width", ["N", 3, "H", "W"]],
    ["of an open height", ["N", 3, "H", 8]],
    ["open in everything", ["N", "C", "H", "W"]],
    ["two at a time", [2, 3, 8, 8]],
  ])("%s", async (_, shape) => {
    const bytes = colourClassifier({ image: { name: "image", shape } });
    expectRight(await probabilities(bytes, ...plain, "--crop", "8", "--resize", "8"));
    expectRight(await probabilities(bytes, ...plain, "--crop", "none", "--resize", "8x8"));
  });

  it("not int64, which is said", async () => {
    const image = { name: "image", shape: ["N", 3, 8, 8], type: 7 };
    await writeFile(path("net.onnx"), colourClassifier({ image }));
    const { status, stderr } = await onebit("run", path("net.onnx"), path("picture.png"));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/"image" is int64: images are/)]);
  });
});

it("an ONNX file finds its weights in the file beside it", async () => {
  const scale = { shape: [4], data: [1, 1, 1, 1], file: "net.onnx.data" };
  await writeFile(path("net.onnx.data"), new Uint8Array(Float32Array.of(1, 1, 1, 1).buffer));
  const bytes = colourClassifier({ tail: ["Mul logits scale y"], tensors: { scale } });
  expectRight(await probabilities(bytes, ...plain));
});

describe("pictures of extreme shapes", () => {
  it.each([
    ["wide", 65_000, 1],
    ["tall", 1, 65_000],
  ])("%s: only what the crop leaves is resized", async (_, width, height) => {
    const picture = sharp({ create: { width, height, channels: 3, background: colour } });
    await writeFile(path("picture.png"), await picture.png().toBuffer());
    const image = { name: "image", shape: ["N", 3, "H", "W"] };
    const flags = [...plain, "--resize", "256", "--crop", "224"];
    // ONNX Runtime's mean of 50,000 equal float32 is off in the fifth digit.
    expectRight(await probabilities(colourClassifier({ image }), ...flags), 3);
  });
});

describe("an ONNX file with several outputs", () => {
  const outputs = [
    { name: "y", shape: ["N", 4] },
    { name: "means", shape: ["N", 3] },
  ];
  const given = () => ["run", path("net.onnx"), path("picture.png"), ...plain];

  it("is refused with their list, and runs when told which", async () => {
    await writeFile(path("net.onnx"), colourClassifier({ outputs }));
    const { status, stderr } = await onebit(...given());
    expect(stderr).toMatch(/y \[N, 4\], means \[N, 3\]: say which, such as --output-name y/);
    expect(status).toBe(1);
    expectRight(await probabilities(colourClassifier({ outputs }), ...plain, "--output-name", "y"));
    const summary = ["summary", path("net.onnx")];
    expect(await onebitJson(...summary)).toMatchObject({ classifier: null });
    const told = await onebitJson(...summary, "--output-name", "y", ...plain);
    expect(told).toMatchObject({ classifier: { outputName: "y", classes: 4 } });
    const wrong = await onebit(...given(), "--output-name", "z");
    expect([wrong.status, wrong.stderr]).toEqual([2, expect.stringMatching(/no output "z"/)]);
    const against = ["verify", path("net.onnx"), "--against", path("net.onnx")];
    const args = [...against, "--output-name", "y", ...plain];
    expect((await onebit(...args, path("picture.png"))).status).toBe(0);
  });

  it("knows itself that whole numbers are no scores", async () => {
    const label = { name: "label", shape: ["N"], type: 7 };
    const tail = ["Identity logits y", "ArgMax logits label"];
    const bytes = colourClassifier({
      ...{ tail, outputs: [label, outputs[0]], ints: { ArgMax: { axis: 1, keepdims: 0 } } },
    });
    expectRight(await probabilities(bytes, ...plain));
  });
});

it("a backend for ONNX is refused without advice to pack it", async () => {
  await writeFile(path("net.onnx"), colourClassifier());
  const args = ["eval", path("net.onnx"), "--data", "glyphs"];
  const { status, stderr } = await onebit(...args, "--backend", "wasm");
  expect(stderr).toMatch(/which runs on ONNX Runtime: leave --backend out$/m);
  expect(status).toBe(2);
});

it("advice for an open size works when followed", async () => {
  const image = { name: "image", shape: ["N", 3, "H", "W"] };
  await writeFile(path("net.onnx"), colourClassifier({ image }));
  const run = ["run", path("net.onnx"), path("picture.png"), ...plain];
  const { status, stderr } = await onebit(...run);
  expect(status).toBe(2);
  expect(stderr).toMatch(/--crop 224 \(and --resize 256.*\), or --crop none --resize 224x224/);
  expect((await onebit(...run, "--crop", "224")).status).toBe(0);
  expect((await onebit(...run, "--crop", "224", "--resize", "256")).status).toBe(0);
  expect((await onebit(...run, "--crop", "none", "--resize", "224x224")).status).toBe(0);
});
