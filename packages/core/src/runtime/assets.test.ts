import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, it } from "vitest";
import { meanModel } from "../test-support/mean-model.js";
import { VERSION } from "../version.js";
import { load } from "./load.js";

const built = fileURLToPath(new URL("../../wasm", import.meta.url));
const bytes = meanModel();
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit assets-"));
  await cp(built, join(folder, "copy"), { recursive: true });
});
afterAll(() => rm(folder, { recursive: true }));

async function tried(assets: string | URL) {
  const model = await load(await bytes, { backend: "wasm", threads: 2, assets });
  await model.ready();
  const { threads, threadsReason } = model;
  const { logits } = await model.run({ shape: [1, 3, 2, 3], data: new Float32Array(18).fill(0.5) });
  model.dispose();
  expect([...logits.data]).toEqual([0.5, 0.5, 0.5]);
  return { threads, threadsReason };
}

it("assets are taken from a path, or a URL, that ends as it likes", async () => {
  const path = join(folder, "copy");
  const url = pathToFileURL(path);
  for (const assets of [path, `${path}/`, url, url.href, new URL(`${url}/`)]) {
    expect(await tried(assets)).toEqual({ threads: 2, threadsReason: undefined });
  }
});

it("assets that are not there, or of another version, are refused by name", async () => {
  const absent = join(folder, "none");
  await expect(tried(absent)).rejects.toThrow(/kernels cannot be read: .*none.*; .*assets/);
  const old = join(folder, "old");
  await cp(built, old, { recursive: true });
  for (const name of ["simd.wasm", "relaxed.wasm", "team-worker.js"]) {
    const content = await readFile(join(old, name), "latin1");
    await writeFile(join(old, name), content.replaceAll(VERSION, "9.9.9"), "latin1");
  }
  await expect(tried(old)).rejects.toThrow(/\.wasm: not that of onebit .*: copy it anew/);
  await cp(join(folder, "copy/simd.wasm"), join(old, "simd.wasm"));
  await cp(join(folder, "copy/relaxed.wasm"), join(old, "relaxed.wasm"));
  const { threads, threadsReason } = await tried(new URL(`${pathToFileURL(old)}/?other`));
  expect(threads).toBe(1);
  expect(threadsReason).toMatch(/team-worker\.js is that of onebit 9\.9\.9, not/);
});
