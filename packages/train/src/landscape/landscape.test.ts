import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildModel, encodeFloatModel, type FloatModel } from "onebit/models";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openDataset, preprocessFor } from "../data/index.js";
import { sample } from "../data/open-split.js";
import { evaluateFloat } from "../run/evaluate.js";
import { initialTensors } from "../state/index.js";
import { landscape } from "./landscape.js";
import { onnxScorer } from "./onnx-scorer.js";
import { packedScorer } from "./packed-scorer.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-landscape-"));
  await writeFile(join(folder, "binary.safetensors"), encodeFloatModel(model("binary")));
  await writeFile(join(folder, "float.safetensors"), encodeFloatModel(model("real")));
  await writeFile(join(folder, "soft.safetensors"), encodeFloatModel(model("binary", 0.5)));
});
afterAll(() => rm(folder, { recursive: true }));

const options = { widths: [4, 8], stemStride: 2, classes: 36, input: [1, 32, 32] } as const;

function model(form: "binary" | "real", temperature = 0): FloatModel {
  const graph = buildModel("bnext", { ...options, form });
  const random = Object.entries(initialTensors(graph, 5)).map(([key, tensor]) => {
    const isMirror = graph.tensors[key].kind === "mirror";
    return [key, isMirror ? { ...tensor, data: Float32Array.of(temperature) } : tensor];
  });
  return {
    architecture: { name: "bnext", options: { ...options, form } },
    tensors: Object.fromEntries(random),
    labels: [..."0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
    preprocess: glyphs.preprocess,
    card: {},
  };
}

const dataset = await openDataset("glyphs", { trainImages: 40, testImages: 1 });
const glyphs = { preprocess: preprocessFor(dataset, { channels: 1, size: [32, 32] }) };

/** As the landscape chooses them. */
async function images() {
  const whole = await openDataset("glyphs");
  return { ...whole, train: sample(whole.train, 12, 0, "train") };
}

const paths = (...names: string[]) => names.map((name) => join(folder, `${name}.safetensors`));
const small = { data: "glyphs", images: 12, points: 3, radius: 0.5 };

it("has the same loss packed and on ONNX Runtime", async () => {
  const { tensors } = model("binary");
  const { features: _, ...rest } = buildModel("bnext", options).outputs;
  const graph = { ...buildModel("bnext", options), outputs: { logits: rest.logits } };
  const images = Float32Array.from({ length: 2 * 32 * 32 }, (_, i) => Math.sin(i));
  const packed = (await packedScorer(graph, tensors, 1))!;
  const float = await onnxScorer(graph, tensors, { threads: 1, batch: 2 });
  for (const factor of [1, -1]) {
    const key = Object.keys(tensors).find((name) => name.endsWith("binary_conv.weight"))!;
    const data = tensors[key].data.map((w) => w * factor);
    const moved = { ...tensors, [key]: { ...tensors[key], data } };
    await packed.set(moved);
    await float.set(moved);
    const [a, b] = [packed, float].map((scorer) => scorer.logits(images, [2, 1, 32, 32]));
    const [one, other] = [await a, await b];
    one.forEach((value, i) => {
      expect(value).toBeCloseTo(other[i], 4);
    });
  }
  await packed.dispose();
  await float.dispose();
});

describe("a landscape", () => {
  it("goes on where it was stopped, to the same end", async () => {
    const out = join(folder, "stopped");
    const whole = await landscape(paths("binary", "float"), {
      ...small,
      out: join(folder, "whole"),
    });
    const stop = new AbortController();
    const seen: string[] = [];
    const stopped = landscape(paths("binary"), {
      ...{ ...small, out, signal: stop.signal },
      onProgress: (done) => done === 5 && stop.abort(new Error("enough")),
    });
    await expect(stopped).rejects.toThrow("enough");
    // A process that was killed while it wrote.
    await writeFile(join(out, "points.jsonl"), '{"network":"bin', { flag: "a" });
    const resumed = await landscape([], {
      ...{ out, resume: true },
      onProgress: (done) => seen.push(String(done)),
    });
    expect(seen[0]).toBe("6");
    const losses = (result: typeof whole) => result.networks.map(({ losses }) => losses);
    expect(losses(resumed)).toEqual(losses(whole).slice(0, 1));
    const [binary, float] = whole.networks;
    expect(binary.engine).toMatch(/^packed, /);
    expect(float.engine).toBe("onnxruntime");
    expect(binary.loss).toBe(binary.losses[1][1]);
    const { tensors, labels, preprocess } = model("binary");
    const graph = buildModel("bnext", options);
    const evaluated = await evaluateFloat(graph, tensors, await images(), {
      ...{ part: "train", labels, preprocess, worker: false },
    });
    expect(binary.loss).toBeCloseTo(evaluated.loss, 5);
    expect(binary.top1).toBe(evaluated.top1);
    const page = await readFile(join(out, "landscape.html"), "utf8");
    expect(page).toContain("12 training images of glyphs");
    expect(page.match(/<svg /g)).toHaveLength(2);
    expect(await readFile(join(out, "contours.svg"), "utf8")).toContain("binary, roughness");
  });

  it("asks ONNX Runtime while weights are on their way to signs", async () => {
    const [soft] = (await landscape(paths("soft"), { ...small, out: join(folder, "soft") }))
      .networks;
    expect(soft.engine).toBe("onnxruntime");
    expect(soft.loss).toBeGreaterThan(0);
  });

  it.each<[string, () => Promise<unknown>, string]>([
    [
      "another grid",
      () => landscape([], { out: join(folder, "whole"), resume: true, points: 5 }),
      "holds points of another landscape.grid.points (3, now 5)",
    ],
    [
      "other networks",
      () => landscape(paths("binary", "soft"), { out: join(folder, "whole"), resume: true }),
      "holds points of another landscape.networks.float",
    ],
    [
      "a folder that holds one",
      () => landscape(paths("binary"), { ...small, out: join(folder, "whole") }),
      "already holds a landscape: go on with it (--resume)",
    ],
    [
      "nothing to go on with",
      () => landscape([], { out: join(folder, "none"), resume: true }),
      "holds no landscape to resume",
    ],
    [
      "no middle",
      () => landscape(paths("binary"), { ...small, out: join(folder, "even"), points: 4 }),
      "a grid of 4 points: an odd number from 3 is wanted",
    ],
    [
      "no images",
      () => landscape(paths("binary"), { out: join(folder, "images") }),
      "none of the networks is a run, so say which images: --data SPEC",
    ],
    [
      "one network twice",
      () => landscape(paths("binary", "binary"), { ...small, out: join(folder, "twice") }),
      "is named twice",
    ],
  ])("refuses %s", async (_, work, message) => {
    await expect(work()).rejects.toThrow(message);
  });
});
