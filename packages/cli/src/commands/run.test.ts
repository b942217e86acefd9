import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { evaluate } from "onebit/graph";
import { buildModel, floatModelGraph } from "onebit/models";
import sharp from "sharp";
import { beforeAll, describe, expect, it } from "vitest";
import { readNpy } from "../../../core/src/test-support/npy.js";
import { randomImages } from "../../../core/src/test-support/random-weights.js";
import { temporaryFolder } from "../test-support/folder.js";
import { linearNetwork, tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

const path = temporaryFolder();
const colours = { red: "#f00", green: "#0f0", blue: "#00f" };
const labels = Object.keys(colours);
/** Logit k is the mean of channel k, normalised to -1 .. 1. */
const byChannel = linearNetwork({ classes: 3, input: [3, 8, 8] }, labels, (k, i) =>
  Math.floor(i / 64) === k ? 1 / 64 : 0,
);
const tiny = tinyBnext();
const network = () => path("colours.onebit");

interface Item {
  readonly input: string;
  readonly top: readonly {
    readonly index: number;
    readonly label: string;
    readonly probability: number;
  }[];
  readonly milliseconds: number;
}

beforeAll(async () => {
  for (const [name, model] of Object.entries({ colours: byChannel, tiny })) {
    const float = await writeFloatModel(path(`${name}.safetensors`), model);
    await onebit("pack", float, "-o", path(`${name}.onebit`));
  }
  await mkdir(path("photos"));
  for (const [name, background] of Object.entries(colours)) {
    const photo = sharp({ create: { width: 20, height: 16, channels: 3, background } });
    await photo
      .clone()
      .jpeg({ quality: 95 })
      .toFile(path("photos", `${name}.jpg`));
    await photo
      .clone()
      .png()
      .toFile(path("photos", `${name}.png`));
    await photo
      .clone()
      .webp()
      .toFile(path("photos", `${name}.webp`));
  }
  await writeFile(path("photos", "notes.txt"), "no picture");
});

describe("run with narrow maps", () => {
  it("says so, and where there are none", async () => {
    const photo = path("photos", "red.png");
    const args = ["run", path("colours.onebit"), photo, "--json"];
    const { status, stderr } = await onebit(...args, "--maps", "bfloat16");
    expect(status).toBe(0);
    expect(stderr).toContain("note: maps of bfloat16 change nothing: the network has no map");
    const narrow = await onebit("run", path("tiny.onebit"), photo, "--maps", "bfloat16");
    expect(narrow.stderr).toContain("note: maps between steps are bfloat16");
    const refused = await onebit(...args, "--maps", "float16");
    expect(refused.status).toBe(2);
    expect(refused.stderr).toMatch(/--maps float16: must be float32 or bfloat16/);
  });
});

describe("run on photographs", () => {
  it("classifies a folder of jpg, png and webp, sorted, and leaves other files alone", async () => {
    const items = await onebitJson<Item[]>("run", network(), path("photos"));
    const expected = ["blue", "green", "red"].flatMap((name) =>
      ["jpg", "png", "webp"].map((type) => [path("photos", `${name}.${type}`), name]),
    );
    expect(items.map(({ input, top }) => [input, top[0].label])).toEqual(expected);
  });

  it("finds what lies in the folders of a folder, as train does", async () => {
    await mkdir(path("days", "first"), { recursive: true });
    const [from, to] = [path("photos", "red.png"), path("days", "first", "red.png")];
    await copyFile(from, to);
    const items = await onebitJson<Item[]>("run", network(), path("days"));
    expect(items.map(({ input, top }) => [input, top[0].label])).toEqual([[to, "red"]]);
  });

  it("gives softmax probabilities, likeliest first", async () => {
    const [{ top, milliseconds }] = await onebitJson<Item[]>(
      ...["run", network(), path("photos", "green.png"), "--top", "2"],
    );
    // Logits -1, 1, -1.
    const first = Math.E / (Math.E + 2 / Math.E);
    expect(top.map(({ index, label }) => [index, label])).toEqual([
      [1, "green"],
      [0, "red"],
    ]);
    expect(top[0].probability).toBeCloseTo(first, 6);
    expect(top[1].probability).toBeCloseTo((1 - first) / 2, 6);
    expect(milliseconds).toBeGreaterThan(0);
  });

  it("prints one line per image with --jsonl, and a short list for people", async () => {
    const photos = [path("photos", "red.jpg"), path("photos", "blue.webp")];
    const lines = await onebit("run", network(), ...photos, "--jsonl");
    const items = lines.stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Item);
    expect(items.map(({ input, top }) => [input, top[0].label])).toEqual([
      [photos[0], "red"],
      [photos[1], "blue"],
    ]);
    const { stdout } = await onebit("run", network(), ...photos, "--backend", "reference");
    expect(stdout).toMatch(
      /red\.jpg {2}\([\d.]+ ms\)\n {3}7\d\.\d % {2}red\n {3}1\d\.\d % {2}(green|blue)/,
    );
  });
});

/** NumPy's format 1.0, written by hand: float64, to see that types are converted. */
function npy(shape: readonly number[], data: ArrayLike<number>): Buffer {
  const text = `{'descr': '<f8', 'fortran_order': False, 'shape': (${shape.join(", ")}), }`;
  const header = Buffer.from(`\x93NUMPY\x01\x00  ${text.padEnd(117)}\n`, "latin1");
  header.writeUInt16LE(118, 8);
  return Buffer.concat([header, Buffer.from(Float64Array.from(data).buffer)]);
}

describe("run on a .npy tensor", () => {
  const images = randomImages([3, 1, 8, 8], 11);
  const run = (...args: string[]) =>
    onebit(
      "run",
      path("tiny.onebit"),
      "--input",
      path("x.npy"),
      "--output",
      path("y.npy"),
      ...args,
    );

  it.each(["reference", "wasm"])("writes the logits of the float graph (%s)", async (backend) => {
    await writeFile(path("x.npy"), npy(images.shape, images.data));
    const { status, stdout, stderr } = await run("--backend", backend);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toBe(`wrote ${path("y.npy")}: logits [3, 4]\n`);
    const feeds = { x: images, temperature: 0 };
    const { logits } = evaluate(floatModelGraph(tiny, 3), feeds, tiny.tensors).outputs;
    const { shape, data } = readNpy(path("y.npy"));
    expect(shape).toEqual([3, 4]);
    logits.data.forEach((x, i) => {
      expect(data[i]).toBeCloseTo(x, 4);
    });
    // NumPy wants its data aligned to 64 bytes.
    expect((await readFile(path("y.npy"))).length % 64).toBe((3 * 4 * 4) % 64);
  });

  it("says as JSON what it wrote", async () => {
    const { stdout } = await run("--json");
    expect(JSON.parse(stdout)).toMatchObject({ output: path("y.npy"), shape: [3, 4] });
  });
});

describe("run at another size", () => {
  const large = randomImages([2, 1, 16, 24], 5);
  const run = (...flags: string[]) =>
    onebit("run", path("tiny.onebit"), "--output", path("y.npy"), "--input", ...flags);

  it("reshapes the network, and says so", async () => {
    await writeFile(path("large.npy"), npy(large.shape, large.data));
    const { status, stderr } = await run(path("large.npy"));
    expect(status).toBe(0);
    expect(stderr).toMatch(/^note: packed for images of 8x8; it runs at 16x24$/m);
    const graph = buildModel("bnext", { widths: [8, 8], classes: 4, input: [1, 16, 24], batch: 2 });
    const { logits } = evaluate(graph, { x: large, temperature: 0 }, tiny.tensors).outputs;
    const { data } = readNpy(path("y.npy"));
    logits.data.forEach((x, i) => {
      expect(data[i]).toBeCloseTo(x, 4);
    });
  });

  it("takes one image without a batch, and refuses what is no image", async () => {
    await writeFile(path("one.npy"), npy([1, 8, 8], large.data.slice(0, 64)));
    expect((await run(path("one.npy"))).stdout).toMatch(/logits \[1, 4\]/);
    await writeFile(path("flat.npy"), npy([4, 16], large.data.slice(0, 64)));
    const { status, stderr } = await run(path("flat.npy"));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/flat\.npy: has shape \[4,16\]/)]);
  });
});

describe("an exported network, run as ONNX", () => {
  it("needs no flags: the file says how images are prepared and what classes are called", async () => {
    await onebit("export", path("tiny.safetensors"), "--to", "onnx", "-o", path("tiny.onnx"));
    const pixels = { create: { width: 9, height: 7, channels: 3, background: "#405060" } } as const;
    await writeFile(path("grey.png"), await sharp(pixels).greyscale().png().toBuffer());
    const [packed] = await onebitJson<Item[]>("run", path("tiny.onebit"), path("grey.png"));
    const { status, stdout, stderr } = await onebit(
      "run",
      path("tiny.onnx"),
      path("grey.png"),
      "--json",
    );
    expect([status, stderr]).toEqual([0, ""]);
    const [exported] = JSON.parse(stdout) as Item[];
    expect(exported.top.map(({ label }) => label)).toEqual(packed.top.map(({ label }) => label));
    packed.top.forEach(({ probability }, i) => {
      expect(exported.top[i].probability).toBeCloseTo(probability, 4);
    });
    const tensor = ["--input", path("x.npy"), "--output", path("z.npy")];
    expect((await onebit("run", path("tiny.onnx"), ...tensor)).status).toBe(0);
    expect(readNpy(path("z.npy")).shape).toEqual([3, 4]);
  });

  it("is summarised", async () => {
    const result = await onebitJson("summary", path("tiny.onnx"));
    expect(result).toMatchObject({
      ...{ producer: "onebit", opset: 17, inputs: [{ name: "x", shape: ["N", 1, 8, 8] }] },
      classifier: { classes: 4, layout: "nchw", notes: [] },
    });
  });

  it("is refused with a backend, a wrong layout, flags that contradict it, or when damaged", async () => {
    const refused = async (...flags: string[]) =>
      onebit("run", path("tiny.onnx"), path("grey.png"), ...flags);
    expect((await refused("--backend", "wasm")).stderr).toMatch(/runs on ONNX Runtime/);
    expect((await refused("--layout", "nhwc")).stderr).toMatch(/8 channels/);
    expect((await refused("--crop", "16")).stderr).toMatch(/16x16 for a network that takes 8x8/);
    const bytes = await readFile(path("tiny.onnx"));
    await writeFile(path("cut.onnx"), bytes.subarray(0, bytes.length / 2));
    const cut = await onebit("run", path("cut.onnx"), path("grey.png"));
    expect([cut.status, cut.stderr]).toEqual([1, expect.stringMatching(/cut\.onnx: .*cut off/)]);
    const packed = ["run", path("tiny.onebit"), path("grey.png"), "--mean", "0"];
    expect((await onebit(...packed)).stderr).toMatch(/says itself how images are prepared/);
  });
});
