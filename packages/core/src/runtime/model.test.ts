import { describe, expect, it } from "vitest";
import { OnebitError } from "../errors.js";
import { meanModel } from "../test-support/mean-model.js";
import type { Backend } from "./backend.js";
import { reference } from "./backends/reference/index.js";
import { load } from "./load.js";

const file = meanModel(2, 3, { image: 0 });
const image = { shape: [1, 3, 2, 3], data: new Float32Array(18).fill(0.5) };
const picture = { width: 3, height: 2, data: new Uint8Array(18) };

/** The reference, told about: what is running, and how often it was disposed of. */
function watched(pause = 0) {
  const seen = { compiled: 0, disposed: 0, running: 0, together: 0, afterDispose: 0 };
  const backend: Backend = {
    ...reference,
    name: "watched",
    async compile(...what) {
      const executable = await reference.compile(...what);
      seen.compiled++;
      let disposed = false;
      return {
        async run(images, count) {
          if (disposed) seen.afterDispose++;
          seen.together = Math.max(seen.together, ++seen.running);
          await new Promise((resolve) => setTimeout(resolve, pause));
          seen.running--;
          return executable.run(images, count);
        },
        dispose() {
          disposed = true;
          seen.disposed++;
        },
      };
    },
  };
  return { backend, seen };
}

const settled = () => new Promise((resolve) => setTimeout(resolve, 50));

describe("a model that is disposed of", () => {
  it("finishes every call made before, one after another, then frees all it has", async () => {
    const { backend, seen } = watched(5);
    const model = await load(await file, { backend });
    const calls = [
      model.run(image),
      model.classify(picture),
      model.features(image),
      model.features(picture),
      model.run(image),
    ];
    model.dispose();
    model.dispose();
    const late = [model.run(image), model.classify(picture), model.features(picture)];
    for (const call of late) await expect(call).rejects.toThrow(/disposed; load it again/);
    await Promise.all(calls);
    await settled();
    expect(seen).toEqual({ compiled: 2, disposed: 2, running: 0, together: 1, afterDispose: 0 });
  });

  it("during a load that is aborted at its end is given to nobody", async () => {
    const { backend, seen } = watched();
    const controller = new AbortController();
    const slow: Backend = {
      ...backend,
      async compile(...what) {
        controller.abort(new Error("left the page"));
        return backend.compile(...what);
      },
    };
    const loading = load(await file, { backend: slow, signal: controller.signal });
    await expect(loading).rejects.toThrow("left the page");
    await settled();
    expect(seen).toMatchObject({ compiled: 1, disposed: 1 });
  });

  it("says so whatever it is asked", async () => {
    const model = await load(await file, { backend: "wasm", threads: 2 });
    model.dispose();
    await settled();
    await expect(model.run(image)).rejects.toThrow(OnebitError);
    expect(model.threads).toBe(0);
    expect(model.threadsReason).toMatch(/disposed/);
    expect([model.arenaBytes, model.profile()]).toEqual([undefined, undefined]);
  });
});

it("a failed run does not stop the next", async () => {
  let runs = 0;
  const flaky: Backend = {
    ...reference,
    name: "flaky",
    async compile(...what) {
      const executable = await reference.compile(...what);
      const run: typeof executable.run = (images, count) =>
        ++runs === 1 ? Promise.reject(new Error("no power")) : executable.run(images, count);
      return { ...executable, run, dispose: () => {} };
    },
  };
  using model = await load(await file, { backend: flaky });
  const [first, second] = await Promise.allSettled([model.run(image), model.run(image)]);
  expect(first).toMatchObject({ status: "rejected", reason: new Error("no power") });
  expect(second.status).toBe("fulfilled");
});
