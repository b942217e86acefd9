import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { OnebitError, UsageError } from "../../errors.js";
import { writeOnebit } from "../../file/index.js";
import { buildModel } from "../../models/index.js";
import { pack } from "../../pack/index.js";
import { meanModel } from "../../test-support/mean-model.js";
import { randomImages, randomWeights } from "../../test-support/random-weights.js";
import { BudgetError } from "../budget.js";
import { load, loadModel } from "../load.js";
import type { LoadOptions } from "../load-options.js";

const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16] });
const preprocess = {
  ...{ size: [16, 16] as [number, number], channels: 3 as const, resize: 16 },
  ...{ crop: "center" as const, interpolation: "bilinear" as const },
  ...{ mean: [0.4, 0.5, 0.6], std: [0.2, 0.3, 0.25] },
};
const photo = (seed: number) => ({
  ...{ width: 24, height: 20 },
  data: Uint8Array.from({ length: 24 * 20 * 3 }, (_, i) => (i * seed * 7919) % 251),
});
const images = randomImages([3, 3, 16, 16], 7);

let bytes: Uint8Array;
let folder: string;

beforeAll(async () => {
  const packed = pack(graph, randomWeights(graph, 3));
  const labels = ["ant", "bee", "cat", "dog"];
  bytes = await writeOnebit({ ...packed, preprocess, labels, card: { name: "test" } });
  folder = await mkdtemp(join(tmpdir(), "onebit-worker-"));
  await writeFile(join(folder, "net.onebit"), bytes);
});

afterAll(() => rm(folder, { recursive: true }));

const inWorker = (options: LoadOptions = {}) => load(bytes, { ...options, worker: true });

describe("a model in a worker", () => {
  it("gives what it gives on this thread, to the bit", async () => {
    using here = await load(bytes, { backend: "wasm" });
    using there = await inWorker({ backend: "wasm" });
    expect(there.workerReason).toBeUndefined();
    expect(there.info).toEqual(here.info);
    expect(there.inputs).toEqual(here.inputs);
    expect(there.outputs).toEqual(here.outputs);
    expect(there.program).toEqual(here.program);
    expect(there.backend).toBe("wasm");
    expect(await there.run(images)).toEqual(await here.run(images));
    expect(await there.features(images)).toEqual(await here.features(images));
    const photos = [photo(1), photo(2)];
    expect(await there.classify(photos, { top: 2 })).toEqual(
      await here.classify(photos, { top: 2 }),
    );
    expect(await there.classify(photos[0])).toEqual(await here.classify(photos[0]));
    expect(await there.classify([])).toEqual([]);
    expect(there.profile()).toHaveLength(here.profile()!.length);
    expect(there.arenaBytes).toBe(here.arenaBytes);
  });

  it("takes any program, and other inputs sizes, outputs and threads", async () => {
    using there = await loadModel(bytes, {
      worker: true,
      threads: 2,
      input: [32, 32],
      backend: "wasm",
    });
    using here = await loadModel(bytes, { input: [32, 32], backend: "wasm" });
    await there.ready();
    expect(there.threads).toBe(2);
    const larger = randomImages([2, 3, 32, 32], 1);
    const outputs = ["features"];
    expect(await there.run(larger, { outputs })).toEqual(await here.run(larger, { outputs }));
  });

  it("shares the worker with others, each with its own answers", async () => {
    using one = await inWorker();
    using other = await load(await meanModel(), { worker: true });
    const [logits, means] = await Promise.all([
      one.run(images),
      other.classify({ width: 1, height: 1, data: [0, 255, 0] }, { top: 1 }),
    ]);
    expect(logits.logits.shape).toEqual([3, 4]);
    expect(means[0].index).toBe(1);
  });

  it("leaves images and tensors as they are, unless they are given away", async () => {
    using there = await inWorker();
    const kept = photo(3);
    const before = await there.classify(kept);
    expect(kept.data.length).toBe(24 * 20 * 3);
    const whole = new Uint8Array(kept.data.length + 9);
    whole.set(kept.data, 9);
    const part = { ...kept, data: whole.subarray(9) };
    expect(await there.classify(part, { transfer: true })).toEqual(before);
    expect(whole.length).toBe(kept.data.length + 9);
    expect(await there.classify(kept, { transfer: true })).toEqual(before);
    expect(kept.data.length).toBe(0);
    const { data } = images;
    await there.run(images);
    expect(data.length).toBe(3 * 3 * 256);
  });

  it("fails in the same words and kinds", async () => {
    using there = await inWorker();
    using here = await load(bytes);
    const wrong = [
      (model: typeof there) => model.classify("photo.jpg" as never),
      (model: typeof there) => model.classify([photo(1), { width: 2, height: 2, data: [1] }]),
      (model: typeof there) => model.run({ shape: [1, 3, 8, 8], data: new Float32Array(192) }),
      (model: typeof there) => model.run(images, { outputs: ["logit"] }),
    ];
    for (const ask of wrong) {
      const failure = await ask(here).catch((error: Error) => error);
      expect(failure).toBeInstanceOf(UsageError);
      await expect(ask(there)).rejects.toThrow(failure as UsageError);
      await expect(ask(there)).rejects.toBeInstanceOf(UsageError);
    }
    await expect(inWorker({ budget: { memory: 1000 } })).rejects.toBeInstanceOf(BudgetError);
    const damaged = bytes.slice();
    damaged[damaged.length - 9] ^= 1;
    await expect(load(damaged, { worker: true })).rejects.toThrow(/^model: .*damaged/);
    const path = join(folder, "none.onebit");
    await expect(load(path, { worker: true })).rejects.toThrow(/none\.onebit/);
    const text = new TextEncoder().encode("<!doctype html><title>404</title>");
    await expect(load(text, { worker: true })).rejects.toBeInstanceOf(OnebitError);
  });

  it("refuses what cannot go there", async () => {
    const own = { name: "own", fast: true, unavailable: () => undefined, compile: () => {} };
    const options = { backend: own, worker: true } as unknown as LoadOptions;
    await expect(load(bytes, options)).rejects.toThrow(/^load: worker: a backend of your own/);
    await expect(load(bytes, { worker: "yes" as never })).rejects.toThrow(/worker .*true or false/);
  });

  it("is done with what is under way before it is disposed of, and refuses what comes later", async () => {
    const model = await inWorker();
    const running = [model.run(images), model.classify(photo(1))];
    model.dispose();
    model.dispose();
    expect((await Promise.all(running)).length).toBe(2);
    await expect(model.run(images)).rejects.toThrow(/has been disposed/);
    await expect(model.classify(photo(1))).rejects.toThrow(/has been disposed/);
    expect(model.threads).toBe(0);
    using again = await inWorker();
    expect((await again.classify(photo(1))).length).toBe(4);
  });

  it("stops loading when it is told to", async () => {
    const abort = new AbortController();
    const loading = inWorker({ signal: abort.signal });
    abort.abort(new Error("enough"));
    await expect(loading).rejects.toThrow("enough");
    using model = await inWorker();
    expect(model.info.classes).toBe(4);
  });

  it("does not keep a process that forgets it, but one that waits for it", async () => {
    const script = `
      import { load } from "onebit";
      const model = await load(${JSON.stringify(join(folder, "net.onebit"))}, { worker: true });
      const { logits } = await model.run({ shape: [1, 3, 16, 16], data: new Float32Array(768) });
      console.log(logits.shape.join());`;
    const node = promisify(execFile)(process.execPath, ["--input-type=module", "-e", script], {
      cwd: import.meta.dirname,
      timeout: 20_000,
    });
    expect((await node).stdout).toBe("1,4\n");
  });
});

describe("where no worker can start", () => {
  it("runs on this thread, and says so", async () => {
    const workers = process.getBuiltinModule("node:worker_threads");
    const { Worker } = workers;
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    (workers as { Worker: unknown }).Worker = class {
      constructor() {
        throw new Error("no threads are left");
      }
    };
    try {
      using model = await inWorker();
      expect(model.workerReason).toMatch(/cannot start: no threads are left/);
      expect(warn.mock.calls.flat().join()).toMatch(/runs on this thread: .*no threads are left/);
      expect((await model.run(images)).logits.shape).toEqual([3, 4]);
    } finally {
      workers.Worker = Worker;
      warn.mockRestore();
    }
  });

  it("fails what it was doing when it dies, and starts another for the next", async () => {
    const workers = process.getBuiltinModule("node:worker_threads");
    const { Worker } = workers;
    let started: InstanceType<typeof Worker> | undefined;
    (workers as { Worker: unknown }).Worker = class extends Worker {
      constructor(...args: ConstructorParameters<typeof Worker>) {
        super(...args);
        started ??= this;
      }
    };
    try {
      const model = await inWorker();
      const running = model.run(images);
      started!.emit("error", new Error("out of memory"));
      await expect(running).rejects.toThrow(/has died: out of memory/);
      await expect(model.run(images)).rejects.toThrow(/has died: out of memory/);
      using next = await inWorker();
      expect((await next.run(images)).logits.shape).toEqual([3, 4]);
    } finally {
      workers.Worker = Worker;
    }
  });
});
