import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { writeOnebit } from "../file/index.js";
import { evaluate } from "../graph/evaluate.js";
import { rebatch } from "../graph/rebatch.js";
import { preprocess } from "../image/index.js";
import { buildModel } from "../models/index.js";
import { pack } from "../pack/index.js";
import type { Program } from "../program/types.js";
import { floatTensor } from "../test-support/packed-step.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import type { Backend } from "./backend.js";
import { reference } from "./backends/reference/index.js";
import { load } from "./load.js";

const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16] });
const weights = randomWeights(graph, 3);
const packed = pack(graph, weights);
const how = {
  size: [16, 16] as [number, number],
  channels: 3 as const,
  resize: 16,
  crop: "center" as const,
  interpolation: "bilinear" as const,
  mean: [0.4, 0.5, 0.6],
  std: [0.2, 0.3, 0.25],
};
const labels = ["ant", "bee", "cat", "dog"];
const noise = (width: number, height: number, channels: number, seed: number) => ({
  width,
  height,
  data: Uint8Array.from({ length: width * height * channels }, (_, i) => (i * seed * 7919) % 251),
});
/** What the float graph says of normalised images. */
const oracle = (input: { shape: readonly number[]; data: Float32Array }) =>
  evaluate(rebatch(graph, input.shape[0]), { x: input }, weights).outputs;

let folder: string;
let path: string;
let bytes: Uint8Array;
let server: Server;
let url: string;

beforeAll(async () => {
  bytes = await writeOnebit({ ...packed, preprocess: how, labels, card: { name: "test" } });
  folder = await mkdtemp(join(tmpdir(), "onebit-"));
  path = join(folder, "model.onebit");
  await writeFile(path, bytes);
  server = createServer((request, response) => {
    if (request.url !== "/model.onebit") {
      response.writeHead(404).end();
      return;
    }
    response.writeHead(200, { "content-length": bytes.length }).end(bytes);
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

describe("load", () => {
  it("takes a path, a file URL, an http URL, a Blob, an ArrayBuffer and bytes", async () => {
    const buffer = bytes.slice().buffer as ArrayBuffer;
    const sources = [
      path,
      pathToFileURL(path),
      String(pathToFileURL(path)),
      `${url}/model.onebit`,
      new URL(`${url}/model.onebit`),
      new Blob([buffer]),
      buffer,
      bytes,
    ];
    for (const source of sources) {
      using model = await load(source, { backend: "reference" });
      expect(model.info).toMatchObject({ labels, preprocess: how, card: { name: "test" } });
    }
  });

  it("tells how far it is", async () => {
    const seen: [number, number | undefined][] = [];
    const progress = (loaded: number, total?: number) => seen.push([loaded, total]);
    await load(`${url}/model.onebit`, { backend: "reference", progress });
    expect(seen.at(-1)).toEqual([bytes.length, bytes.length]);
    seen.length = 0;
    await load(path, { backend: "reference", progress });
    expect(seen).toEqual([[bytes.length, bytes.length]]);
  });

  it("says what is wrong with the source", async () => {
    await expect(load(join(folder, "none.onebit"))).rejects.toThrow(
      /none.onebit: there is no such/,
    );
    await expect(load(folder)).rejects.toThrow(/is a folder/);
    await expect(load(`${url}/none`)).rejects.toThrow(/none: the server answers 404/);
    await expect(load("http://127.0.0.1:1/x")).rejects.toThrow(/cannot be fetched: ./);
    await expect(load(7 as never)).rejects.toThrow(UsageError);
    await expect(load(Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70))).rejects.toThrow(
      /a picture, not a packed network .*: load a network, and give its classify\(\) .*decodeImage/,
    );
    const broken = join(folder, "broken.onebit");
    await writeFile(broken, bytes.subarray(0, bytes.length - 9));
    await expect(load(broken)).rejects.toThrow(/broken.onebit: safetensors file: 9 of .*cut off/);
    await expect(load(path, { backend: "cuda" as never })).rejects.toThrow(
      /unknown backend "cuda"/,
    );
  });

  it("stops when told to", async () => {
    const signal = AbortSignal.abort();
    await expect(load(path, { signal })).rejects.toThrow(/aborted/);
    await expect(load(bytes, { signal })).rejects.toThrow(/aborted/);
    await expect(load(`${url}/model.onebit`, { signal })).rejects.toThrow(/aborted/);
  });

  it("takes the fastest backend that loads and says why not another", async () => {
    const model = await load(bytes);
    const order = ["native", "wasm", "reference"];
    const faster = order.slice(0, order.indexOf(model.backend));
    expect(Object.keys(model.backendReasons)).toEqual(faster);
    for (const reason of Object.values(model.backendReasons)) expect(reason).toMatch(/./);
    const missing: Backend = { ...reference, name: "gpu", unavailable: async () => "no device" };
    await expect(load(bytes, { backend: missing })).rejects.toThrow("backend gpu: no device");
    const own = await load(bytes, { backend: { ...reference, name: "own" } });
    expect(own.backend).toBe("own");
  });
});

describe("threads", () => {
  it.each([0, -1, 1.5, 257, 2 ** 32, Number.NaN, "2", null])("%s are refused", async (threads) => {
    const loading = load(bytes, { threads: threads as number });
    await expect(loading).rejects.toThrow(
      /^threads "?[\w.-]+"?: must be a whole number from 1 to 256/,
    );
    await expect(loading).rejects.toThrow(UsageError);
  });

  it("are told, and why there are fewer than were asked for", async () => {
    using alone = await load(bytes, { backend: "reference", threads: 2 });
    expect(alone.threads).toBe(1);
    expect(alone.threadsReason).toBe("the reference backend has one thread");
    using two = await load(bytes, { backend: "wasm", threads: 2 });
    await two.ready();
    expect([two.threads, two.threadsReason]).toEqual([2, undefined]);
    using one = await load(bytes, { backend: "reference" });
    expect([one.threads, one.threadsReason]).toEqual([1, undefined]);
  });
});

describe("loading a large file", () => {
  const classes = 1200;
  const program: Program = {
    values: [
      { name: "x", kind: "map", shape: [1, 1, 256] },
      { name: "mean", kind: "vector", shape: [1, 1, 256] },
      { name: "logits", kind: "vector", shape: [1, 1, classes] },
    ],
    input: 0,
    steps: [
      { kind: "pointwise", covers: [], input: 0, epilogue: [["mean", 0, 1, 0]] },
      {
        kind: "linear",
        covers: [],
        input: 1,
        weight: "w",
        out: classes,
        epilogue: [["store", 0, 2, 0]],
      },
    ],
    outputs: { logits: 2 },
  };
  const data = Float32Array.from({ length: classes * 256 }, (_, i) => Math.sin(i));
  const written = () => writeOnebit({ program, tensors: { w: floatTensor(data, [classes, 256]) } });

  it("gives the model once its checksum is known to be right", async () => {
    using model = await load(await written(), { backend: "wasm" });
    const { logits } = await model.run({
      shape: [1, 256, 1, 1],
      data: new Float32Array(256).fill(1),
    });
    const sum = data.subarray(256, 512).reduce((total, w) => total + w, 0);
    expect(logits.data[1]).toBeCloseTo(sum, 3);
  });

  it("gives no model where a bit of a weight has changed, and leaves nothing behind", async () => {
    const damaged = await written();
    damaged[damaged.length - 4] ^= 1;
    let running = 0;
    const backend: Backend = {
      ...reference,
      async compile(...what) {
        const executable = await reference.compile(...what);
        running++;
        return { ...executable, run: executable.run, dispose: () => running-- };
      },
    };
    await expect(load(damaged, { backend })).rejects.toThrow(/^model: the file is damaged/);
    expect(running).toBe(0);
    const failing = { ...backend, compile: () => Promise.reject(new Error("no device")) };
    await expect(load(damaged, { backend: failing })).rejects.toThrow(/the file is damaged/);
    await expect(load(await written(), { backend: failing })).rejects.toThrow("no device");
    const input = [3, 3] as const;
    await expect(load(damaged, { backend, input })).rejects.toThrow(/the file is damaged/);
  });
});

describe.each(["reference", "wasm"] as const)("a model on %s", (backend) => {
  const loaded = () => load(bytes, { backend });

  it("runs normalised tensors as the graph does", async () => {
    using model = await loaded();
    const input = randomImages([3, 3, 16, 16], 8) as { shape: number[]; data: Float32Array };
    const { logits } = await model.run(input);
    expect(logits.shape).toEqual([3, 4]);
    oracle(input).logits.data.forEach((x, i) => {
      expect(logits.data[i]).toBeCloseTo(x, 4);
    });
    expect(model.profile()?.length).toBe(model.info.cost.steps.length);
  });

  it("gives features as the graph does, channels first", async () => {
    using model = await loaded();
    const input = randomImages([2, 3, 16, 16], 9) as { shape: number[]; data: Float32Array };
    const features = await model.features(input);
    const expected = oracle(input);
    expect(Object.keys(features).sort()).toEqual(Object.keys(expected).sort());
    for (const [name, { shape, data }] of Object.entries(expected)) {
      expect(features[name].shape, name).toEqual(shape);
      data.forEach((x, i) => {
        expect(features[name].data[i]).toBeCloseTo(x, 4);
      });
    }
  });

  it("classifies one photograph or several", async () => {
    using model = await loaded();
    const images = [noise(20, 16, 4, 3), noise(16, 31, 3, 5)];
    const both = await model.classify(images, { top: 2 });
    expect(both.map((top) => top.length)).toEqual([2, 2]);
    const single = await model.classify(images[0]);
    expect(single).toHaveLength(4);
    expect(single.slice(0, 2)).toEqual(both[0]);
    images.forEach(({ data, width, height }, n) => {
      const channels = data.length / width / height;
      const x = preprocess({ data, width, height, channels }, how);
      const { logits } = oracle({ shape: [1, 3, 16, 16], data: x });
      const best = logits.data.indexOf(Math.max(...logits.data));
      expect(both[n][0]).toMatchObject({ index: best, label: labels[best] });
    });
    expect(await model.classify([])).toEqual([]);
  });

  it("lets calls overlap", async () => {
    using model = await loaded();
    const inputs = [1, 2, 3, 4, 5].map((seed) => randomImages([1, 3, 16, 16], seed));
    type Input = { shape: number[]; data: Float32Array };
    const together = await Promise.all(inputs.map((input) => model.run(input as Input)));
    const failing = model.run({ shape: [1, 3, 16, 16], data: new Float32Array(3) });
    await expect(failing).rejects.toThrow(/holds 3 numbers instead of 768/);
    for (const [i, input] of inputs.entries()) {
      expect(await model.run(input as Input)).toEqual(together[i]);
    }
    const again = await Promise.all(inputs.map((input) => model.run(input as Input)));
    expect(again).toEqual(together);
  });

  it("says what does not fit", async () => {
    using model = await loaded();
    const data = new Float32Array(768);
    await expect(model.run({ shape: [1, 16, 16, 3], data })).rejects.toThrow(
      /input \[1, 16, 16, 3\] does not fit: channels are last; give \[N, 3, 16, 16\]/,
    );
    const image = { data: new Uint8Array(10), width: 4, height: 4 };
    await expect(model.classify(image)).rejects.toThrow(/10 bytes are not 4x4 pixels/);
    await expect(model.classify(noise(8, 8, 3, 1), { top: 0 })).rejects.toThrow(/top 0/);
  });

  it("finishes what is under way when disposed, and no more", async () => {
    const model = await loaded();
    const input = randomImages([1, 3, 16, 16], 1) as { shape: number[]; data: Float32Array };
    const under = model.run(input);
    model.dispose();
    model.dispose();
    expect((await under).logits.data).toHaveLength(4);
    await expect(model.run(input)).rejects.toThrow(OnebitError);
    await expect(model.run(input)).rejects.toThrow(/disposed/);
  });
});

describe("a model with narrow maps", () => {
  const input = randomImages([2, 3, 16, 16], 4) as { shape: number[]; data: Float32Array };
  const logitsWith = async (backend: "wasm" | "reference", maps?: "float32" | "bfloat16") => {
    using model = await load(bytes, { backend, maps });
    expect(model.info.maps).toBe(maps ?? "float32");
    return (await model.run(input)).logits.data;
  };

  it("says other numbers, the same on every backend, and only where asked for", async () => {
    const plain = await logitsWith("wasm");
    expect(await logitsWith("wasm", "float32")).toEqual(plain);
    const narrow = await logitsWith("wasm", "bfloat16");
    expect(narrow).not.toEqual(plain);
    expect(await logitsWith("reference", "bfloat16")).toEqual(narrow);
  });

  it("says the same with all outputs, which callers see as float32", async () => {
    using model = await load(bytes, { backend: "wasm", maps: "bfloat16" });
    const one = { shape: [1, 3, 16, 16], data: input.data.subarray(0, 768) };
    const { logits, ...maps } = await model.features(one);
    expect(logits).toEqual((await model.run(one)).logits);
    expect(Object.keys(maps)).toEqual(Object.keys(packed.program.outputs).filter((o) => o in maps));
  });

  it("counts the bytes that it moves", async () => {
    using model = await load(bytes, { backend: "reference", maps: "bfloat16" });
    using wide = await load(bytes, { backend: "reference" });
    expect(model.info.cost.activationBytes).toBeLessThan(wide.info.cost.activationBytes);
  });

  it("goes with another input size, and refuses other types", async () => {
    using model = await load(bytes, { backend: "wasm", maps: "bfloat16", input: [32, 32] });
    expect(model.info).toMatchObject({ maps: "bfloat16", input: { height: 32 } });
    const float16 = { maps: "float16" as "bfloat16" };
    await expect(load(bytes, float16)).rejects.toThrow(
      'maps "float16": must be float32 or bfloat16',
    );
    await expect(load(bytes, float16)).rejects.toThrow(UsageError);
  });
});

describe("a model without preprocessing", () => {
  it("runs tensors and refuses photographs", async () => {
    using model = await load(await writeOnebit(packed), { backend: "reference" });
    await expect(model.classify(noise(16, 16, 3, 1))).rejects.toThrow(
      /how images are to be prepared/,
    );
    expect(model.info.card).toEqual({});
  });
});
