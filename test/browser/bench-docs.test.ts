import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { afterAll, beforeAll, expect, it } from "vitest";
import { randomWeights } from "../../packages/core/src/test-support/random-weights.js";
import { findChromium } from "./chromium.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));
const script = join(root, "scripts/bench-docs.mjs");

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-bench-docs-"));
});
afterAll(() => rm(folder, { recursive: true }));

it("asks for what is missing before it measures", async () => {
  const missing = run(process.execPath, [script, "--mobilenet", "/nowhere.onnx"]);
  await expect(missing).rejects.toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/\/nowhere\.onnx is not there: .*--mobilenet FILE\.onnx/),
  });
});

it.skipIf(!findChromium())(
  "measures engines in Chromium in turns, with threads",
  async () => {
    const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16], form: "real" });
    const { logits } = graph.outputs;
    const bytes = toOnnx({ ...graph, outputs: { logits } }, { tensors: randomWeights(graph, 1) });
    const mobilenet = join(folder, "float.onnx");
    await writeFile(mobilenet, bytes);
    const url = new URL("../../scripts/bench/chromium.mjs", import.meta.url).href;
    const { benchChromium } = await import(url);
    const network = join(root, "models/fashion-mnist.onebit");
    const options = { root, network, threads: [2], mobilenet, rounds: 2 };
    const { version, rows } = await benchChromium(options);
    expect(version).toMatch(/^\d+\./);
    const ort = expect.stringMatching(/^onnxruntime-web [\d.]+, float32$/);
    const ms = expect.stringMatching(/^\d+\.\d$/);
    const range = expect.stringMatching(/^\d+\.\d to \d+\.\d$/);
    expect(rows).toEqual([
      ["fashion-mnist.onebit", "onebit wasm", 2, ms, range, "0.12"],
      ["fashion-mnist.onebit", ort, 2, ms, range, expect.stringMatching(/^\d+\.\d\d$/)],
      ["float.onnx", ort, 2, ms, range, (bytes.length / 1e6).toFixed(2)],
    ]);
  },
  120_000,
);
