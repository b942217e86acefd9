import { writeFile } from "node:fs/promises";
import { writeOnebit } from "onebit/file";
import {
  binaryConv2d,
  evaluate,
  type Graph,
  GraphBuilder,
  globalAveragePool,
  sign,
} from "onebit/graph";
import { encodeFloatModel } from "onebit/models";
import { pack } from "onebit/pack";
import type { Program } from "onebit/program";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { floatTensor, value } from "../../../core/src/test-support/packed-step.js";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import { writeNpy } from "../npy.js";
import { temporaryFolder } from "../test-support/folder.js";
import { plainPreprocess } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();

/** Of pixels [3, 2, 2]: their doubles, and the means of their channels. */
const encoder: Program = {
  values: [
    value("pixels", "map", [2, 2, 3]),
    value("twice", "map", [2, 2, 3]),
    value("mean", "vector", [1, 1, 3]),
  ],
  input: 0,
  steps: [
    {
      ...{ kind: "pointwise", covers: ["a"], input: 0 },
      epilogue: [
        ["add", 0, 0],
        ["store", 1, 1, 0],
        ["mean", 0, 2, 0],
      ],
    },
  ],
  outputs: { doubled: 1, embedding: 2 },
};

/** Of a row [2]: its product with [[1, 2], [3, 4], [5, 6]]. */
const table: Program = {
  values: [value("row", "vector", [1, 1, 2]), value("scores", "vector", [1, 1, 3])],
  input: 0,
  steps: [
    {
      ...{ kind: "linear", covers: [], input: 0, weight: "w", out: 3 },
      epilogue: [["store", 0, 1, 0]],
    },
  ],
  outputs: { logits: 1 },
};

/** Embeds pictures of 8x8 with a 1-bit convolution: no classes. */
function embedder(): Graph {
  const b = new GraphBuilder("embedder");
  const x = b.input("x", [1, 3, 8, 8]);
  const bits = sign(b, "sign", x);
  const conv = binaryConv2d(b, "conv", bits, {
    ...{ out: 8, kernel: 3, padding: 1 },
    binarizer: { scale: "channel-mean", estimator: "identity" },
  });
  b.output("embedding", globalAveragePool(b, "pool", conv));
  return b.build();
}

const pixels = { shape: [2, 3, 2, 2], data: Float32Array.from({ length: 24 }, (_, i) => i - 8) };

beforeAll(async () => {
  const preprocess = { ...plainPreprocess([3, 2, 2]), mean: [0, 0, 0], std: [1, 1, 1] };
  await writeFile(
    path("encoder.onebit"),
    await writeOnebit({ program: encoder, tensors: {}, preprocess }),
  );
  const weights = { w: floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]) };
  await writeFile(
    path("table.onebit"),
    await writeOnebit({ program: table, tensors: weights, labels: ["a", "b", "c"] }),
  );
  await writeNpy(path("pixels.npy"), pixels);
  await writeNpy(path("rows.npy"), { shape: [2, 2], data: Float32Array.of(1, 0, -1, 0.5) });
  for (const [name, background] of [
    ["red", "#f00"],
    ["blue", "#00f"],
  ]) {
    const picture = { create: { width: 5, height: 4, channels: 3, background } } as const;
    await sharp(picture)
      .png()
      .toFile(path(`${name}.png`));
  }
});

describe("run of a program without logits", () => {
  const file = () => path("encoder.onebit");

  it("shows the outputs' names, shapes and values", async () => {
    const { status, stdout, stderr } = await onebit("run", file(), "--input", path("pixels.npy"));
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^output +shape +values\ndoubled +\[2, 3, 2, 2\] +-16, -14, -12, -10, -8, -6, \.\.\.\nembedding +\[2, 3\] +-6\.5, -2\.5, 1\.5, 5\.5, 9\.5, 13\.5\n$/,
    );
    const result = await onebitJson("run", file(), "--input", path("pixels.npy"));
    expect(result).toMatchObject({
      outputs: { doubled: [2, 3, 2, 2], embedding: [2, 3] },
      values: { embedding: [-6.5, -2.5, 1.5, 5.5, 9.5, 13.5] },
    });
  });

  it("writes the one that is named", async () => {
    const files = ["--input", path("pixels.npy"), "--output", path("y.npy")];
    const { status, stdout } = await onebit("run", file(), ...files, "--output-name", "embedding");
    expect([status, stdout]).toEqual([0, `wrote ${path("y.npy")}: embedding [2, 3]\n`]);
    const means = [0, 1, 2, 3, 4, 5].map((plane) => 4 * plane + 1.5 - 8);
    expect([...readNpy(path("y.npy")).data]).toEqual(means);
  });

  it("takes photographs, a row for each", async () => {
    const photos = [path("red.png"), path("blue.png")];
    const flags = ["--output-name", "embedding", "--output", path("z.npy")];
    expect((await onebit("run", file(), ...photos, ...flags)).status).toBe(0);
    expect(readNpy(path("z.npy")).shape).toEqual([2, 3]);
    expect([...readNpy(path("z.npy")).data]).toEqual([1, 0, 0, 0, 0, 1]);
  });

  it.each<[string, string[], RegExp]>([
    [
      "no name among several",
      [],
      /has the outputs doubled \[N, 3, 2, 2\], embedding \[N, 3\]: say/,
    ],
    ["an unknown name", ["--output-name", "logits"], /--output-name logits: .* has the outputs/],
  ])("refuses %s", async (_, flags, message) => {
    const files = ["--input", path("pixels.npy"), "--output", path("no.npy")];
    const { status, stderr } = await onebit("run", file(), ...files, ...flags);
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  it("has no top classes", async () => {
    const { status, stderr } = await onebit("run", file(), path("red.png"), "--top", "2");
    expect([status, stderr]).toEqual([2, expect.stringMatching(/--top is about classes/)]);
  });
});

describe("a classifier of rows", () => {
  it("names the classes of each row of a .npy file", async () => {
    const items = await onebitJson<{ input: string; top: { label: string }[] }[]>(
      ...["run", path("table.onebit"), "--input", path("rows.npy"), "--top", "1"],
    );
    expect(items.map(({ input, top }) => [input, top[0].label])).toEqual([
      [`${path("rows.npy")}[0]`, "c"],
      [`${path("rows.npy")}[1]`, "a"],
    ]);
  });

  it("takes whole numbers as they are, without a word about pixels", async () => {
    const rows = { shape: [1, 2], data: Float32Array.of(0, 200) };
    await writeNpy(path("ages.npy"), rows);
    const floats = await onebit("run", path("table.onebit"), "--input", path("ages.npy"));
    expect([floats.status, floats.stderr]).toEqual([0, ""]);
    const header = "{'descr': '<i4', 'fortran_order': False, 'shape': (1, 2), }".padEnd(117);
    const start = Buffer.from(`\x93NUMPY\x01\x00v\x00${header}\n`, "latin1");
    const integers = Buffer.from(Int32Array.of(0, 200).buffer);
    await writeFile(path("ages.npy"), Buffer.concat([start, integers]));
    const whole = await onebit("run", path("table.onebit"), "--input", path("ages.npy"));
    expect(whole.stdout.replace(/\(.*ms\)/, "")).toBe(floats.stdout.replace(/\(.*ms\)/, ""));
  });

  it.each([
    ["verify", ["--against", "table.onebit"]],
    ["bisect", ["table.onebit"]],
    ["explain", []],
    ["summary", []],
  ])("%s works", async (name, rest) => {
    const files = rest.map((word) => (word.startsWith("--") ? word : path(word)));
    const { status, stderr } = await onebit(name, path("table.onebit"), ...files);
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("refuses images, and photographs", async () => {
    const images = await onebit("run", path("table.onebit"), "--input", path("pixels.npy"));
    expect(images.stderr).toMatch(/pixels\.npy: has shape \[2,3,2,2\]; rows \[N, 2\] are wanted/);
    const photograph = await onebit("run", path("table.onebit"), path("red.png"));
    expect(photograph.stderr).toMatch(/table\.onebit: takes rows \[N, 2\], no pictures: --input x/);
    expect([images.status, photograph.status]).toEqual([1, 1]);
  });
});

describe("other commands on a program without logits", () => {
  it("verify compares the outputs that both have, on two backends", async () => {
    const args = [path("encoder.onebit"), "--against", path("encoder.onebit")];
    const result = await onebitJson("verify", ...args, "--against-backend", "reference");
    expect(result).toMatchObject({
      ...{ ok: true, outputs: ["doubled", "embedding"], top1Agreement: null, maxRelativeError: 0 },
    });
  });

  it("verify and bisect follow a float model of one's own into its packed form", async () => {
    const graph = embedder();
    const tensors = randomWeights(graph, 5);
    const preprocess = plainPreprocess([3, 8, 8]);
    const float = { architecture: { graph }, tensors, labels: [], preprocess, card: {} };
    await writeFile(path("own.safetensors"), encodeFloatModel(float));
    const packed = pack(graph, tensors);
    await writeFile(path("own.onebit"), await writeOnebit({ ...packed, preprocess }));
    const result = await onebitJson<{ maxRelativeError: number }>(
      ...["verify", path("own.onebit"), "--against", path("own.safetensors")],
    );
    expect(result).toMatchObject({ ok: true, outputs: ["embedding"], top1Agreement: null });
    expect(result.maxRelativeError).toBeLessThan(1e-4);
    const bisected = await onebit("bisect", path("own.onebit"), path("own.safetensors"));
    expect([bisected.status, bisected.stderr]).toEqual([0, ""]);
    const x = { shape: [1, 3, 8, 8], data: Float32Array.from({ length: 192 }, (_, i) => i % 7) };
    await writeNpy(path("x.npy"), x);
    const files = ["--input", path("x.npy"), "--output", path("e.npy")];
    expect((await onebit("run", path("own.onebit"), ...files)).status).toBe(0);
    const { embedding } = evaluate(graph, { x }, tensors).outputs;
    readNpy(path("e.npy")).data.forEach((y, i) => {
      expect(y).toBeCloseTo(embedding.data[i], 4);
    });
  });

  it("export writes its float equivalent, which gives the same", async () => {
    const float = path("encoder.safetensors");
    const exported = await onebit(
      "export",
      path("encoder.onebit"),
      "--to",
      "safetensors",
      "-o",
      float,
    );
    expect([exported.status, exported.stderr]).toEqual([0, ""]);
    const result = await onebitJson("verify", path("encoder.onebit"), "--against", float);
    expect(result).toMatchObject({ ok: true, outputs: ["doubled", "embedding"] });
  });

  it("bench says that it compares classifiers", async () => {
    const { status, stderr } = await onebit("bench", path("encoder.onebit"), "--against", "none");
    expect([status, stderr]).toEqual([
      1,
      expect.stringMatching(
        /no output "logits": bench compares classifiers; .*npx onebit explain \S+/,
      ),
    ]);
  });

  it.each([["summary"], ["explain"]])("%s works", async (command) => {
    const { status, stderr } = await onebit(command, path("encoder.onebit"));
    expect([status, stderr]).toEqual([0, ""]);
  });

  it("eval says what it lacks, and what gives its outputs", async () => {
    const { status, stderr } = await onebit("eval", path("encoder.onebit"), "--data", "glyphs");
    expect(status).toBe(1);
    expect(stderr).toMatch(
      /encoder\.onebit: scores no classes: it has no output "logits", but "doubled", "embedding"; what it gives: npx onebit run .*encoder\.onebit --input x\.npy --output y\.npy/,
    );
  });
});
