import { readFile, writeFile } from "node:fs/promises";
import { summarize } from "onebit/cost";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { randomWeights } from "../../../core/src/test-support/random-weights.js";
import type { BenchReport } from "../bench/report.js";
import { temporaryFolder } from "../test-support/folder.js";
import { tinyBnext, writeFloatModel } from "../test-support/networks.js";
import { onebit, onebitJson } from "../test-support/run-cli.js";

// How long and how often is measured: latency.test.ts and cold-load.test.ts.
vi.mock("../bench/latency.js", async (original) => {
  const real = await original<typeof import("../bench/latency.js")>();
  const limits = { warmupMs: 0, settleMs: 0, minRounds: 3, maxRounds: 3 };
  const measureLatency: typeof real.measureLatency = (all) => real.measureLatency(all, limits);
  return { ...real, measureLatency };
});
vi.mock("../bench/cold-load.js", async (original) => {
  const real = await original<typeof import("../bench/cold-load.js")>();
  const coldLoad: typeof real.coldLoad = (packed, backend, options) =>
    real.coldLoad(packed, backend, { ...options, processes: 1 });
  return { ...real, coldLoad };
});

const path = temporaryFolder();
const tiny = ["bnext", "--widths", "8,8", "--classes", "4", "--input", "1x8x8"];
const foreign = buildModel("linear", { classes: 3, input: [1, 8, 8] });
let packed: string;
/** Of the packed file, with what bench does by itself. */
let usual: BenchReport;

beforeAll(async () => {
  const float = await writeFloatModel(path("tiny.safetensors"), tinyBnext());
  packed = path("tiny.onebit");
  await onebit("pack", float, "-o", packed);
  await writeFile(path("linear.onnx"), toOnnx(foreign, { tensors: randomWeights(foreign, 1) }));
  await writeFile(path("broken.onnx"), "no model");
  usual = await onebitJson<BenchReport>("bench", packed);
});

it("measures onebit and ONNX Runtime on a packed file", async () => {
  const { machine, version, results } = usual;
  const { macs } = await onebitJson<{ macs: number }>("summary", path("tiny.safetensors"));
  expect(machine.node).toBe(process.version);
  expect(version).toMatch(/^\d+\.\d+\.\d+/);
  const engines = results.map(({ engine }) => engine);
  expect(engines.at(-1)).toMatch(/^onnxruntime-node \d.*, float32$/);
  expect(engines.slice(0, -1)).toContain("onebit wasm");
  expect(engines.slice(0, -1).every((engine) => engine.startsWith("onebit "))).toBe(true);
  for (const result of results) {
    expect(result).toMatchObject({ subject: packed, threads: 1, batch: 1 });
    const { engine, p5Ms, medianMs, p95Ms, loadMs, coldLoadMs } = result;
    const { peakBytes, convGmacs, ratios } = result;
    expect(p5Ms).toBeGreaterThan(0);
    expect(medianMs).toBeGreaterThanOrEqual(p5Ms);
    expect(p95Ms).toBeGreaterThanOrEqual(medianMs);
    expect(loadMs).toBeGreaterThan(0);
    if (engine.startsWith("onebit")) expect(coldLoadMs).toBeGreaterThan(0);
    else expect(result).not.toHaveProperty("coldLoadMs");
    expect(peakBytes).toBeGreaterThanOrEqual(0);
    expect(convGmacs).toBeCloseTo(macs / medianMs / 1e6, 6);
    const wasm = results.find(
      ({ backend, engine }) => backend === "wasm" && /^onebit/.test(engine),
    )!;
    expect(ratios.wasm).toBeCloseTo(medianMs / wasm.medianMs, 9);
  }
});

it("marks a peer only where it is slower than its bare convolution", () => {
  const { results } = usual;
  const peer = results.at(-1)!;
  expect(peer.bareConvGmacs).toBeGreaterThan(0);
  const slow = peer.convGmacs < 0.6 * peer.bareConvGmacs!;
  expect(peer.handicap !== undefined).toBe(slow);
  expect(results[0]).not.toHaveProperty("bareConvGmacs");
});

it("takes several backends, threads and images, and ONNX files of others", async () => {
  const { results } = await onebitJson<BenchReport>(
    ...["bench", ...tiny, "--backend", "wasm,reference", "--threads", "1,2", "--batch", "3"],
    ...["--against", `onnxruntime,${path("linear.onnx")}`],
  );
  const rows = results.map(({ subject, engine, threads, batch }) => {
    return [subject, engine.replace(/ \d[\d.]*/, ""), threads, batch];
  });
  const own = (threads: number) => [
    ["bnext", "onebit wasm", threads, 3],
    ["bnext", "onebit reference", threads, 3],
  ];
  const peers = (threads: number) => [
    ["bnext", "onnxruntime-node, float32", threads, 3],
    ["linear.onnx", "onnxruntime-node", threads, 3],
  ];
  expect(rows).toEqual([...own(1), ...own(2), ...peers(1), ...peers(2)]);
  const linear = results.at(-1)!;
  expect(linear.convGmacs).toBeCloseTo((3 * summarize(foreign).macs) / linear.medianMs / 1e6, 9);
  for (const { medianMs, threads, ratios } of results) {
    const group = results.filter((other) => other.threads === threads);
    expect(ratios.wasm).toBeCloseTo(medianMs / group[0].medianMs, 9);
    expect(ratios.reference).toBeCloseTo(medianMs / group[1].medianMs, 9);
  }
});

it("runs onnxruntime-web, with one thread and with two", async () => {
  const args = ["--backend", "wasm", "--threads", "1,2", "--against", "onnxruntime-web"];
  const { results } = await onebitJson<BenchReport>("bench", packed, ...args);
  const peers = results.filter(({ engine }) => engine.startsWith("onnxruntime-web "));
  expect(peers.map(({ threads, backend }) => [threads, backend])).toEqual([
    [1, "wasm"],
    [2, "wasm"],
  ]);
});

it("takes an architecture with random weights, and prints a table", async () => {
  const { status, stdout } = await onebit("bench", ...tiny);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^onebit wasm +1 +[\d.]+ +[\d.]+ to [\d.]+ .*1\.00 x/m);
  expect(stdout).toMatch(/^onnxruntime-node/m);
});

it("writes a page, without the folders of the files", async () => {
  const page = path("page.md");
  const args = ["--against", path("linear.onnx"), "--markdown", page];
  const { status } = await onebit("bench", packed, ...args);
  expect(status).toBe(0);
  const text = await readFile(page, "utf8");
  expect(text).toContain("npx onebit bench tiny.onebit --against linear.onnx\n");
  expect(text).toMatch(/\| linear\.onnx \| onnxruntime-node/);
  expect(text).not.toContain(path());
});

it("does without peers", async () => {
  const args = [packed, "--backend", "wasm", "--against", "none"];
  const { results } = await onebitJson<BenchReport>("bench", ...args);
  expect(results.map(({ engine }) => engine)).toEqual(["onebit wasm"]);
});

it("measures narrow maps, and says so in every form", async () => {
  const page = path("narrow.md");
  await writeFile(page, "# Mine\n\n<!-- figures: networks --><!-- /figures -->\n\nMy words.\n");
  const args = [packed, "--backend", "wasm", "--maps", "float32,bfloat16", "--against", "none"];
  const { results } = await onebitJson<BenchReport>("bench", ...args, "--markdown", page);
  expect(results).toMatchObject([
    { engine: "onebit wasm", maps: "float32" },
    { engine: "onebit wasm, bfloat16 maps", maps: "bfloat16" },
  ]);
  expect(results[1].ratios["wasm bfloat16"]).toBe(1);
  expect(results[1].ratios.wasm).toBeCloseTo(results[1].medianMs / results[0].medianMs, 9);
  const text = await readFile(page, "utf8");
  expect(text).toMatch(/^# Mine\n\n<!-- figures: networks -->\n\nOne image per run/);
  expect(text).toMatch(/\n\n<!-- \/figures -->\n\nMy words\.\n$/);
  expect(text).toMatch(/^\| onebit wasm, bfloat16 maps \|/m);
});

describe("bench refuses", () => {
  const inFolder = (text: string) => text.replace(/\{([^}]*)\}/g, (_, name) => path(name));

  it.each([
    ["nothing to measure", [], 2, /a file or an architecture is wanted, or --kernels/],
    ["an unknown architecture", ["bnext-x"], 2, /unknown model "bnext-x": did you mean/],
    ["an unknown peer", [...tiny, "--against", "tflite"], 2, /--against tflite: there are onnxr/],
    [
      "a peer file that is not there",
      [...tiny, "--against", "no.onnx"],
      1,
      /no\.onnx: there is no/,
    ],
    [
      "a peer file that is no model",
      [...tiny, "--against", "{broken.onnx}"],
      1,
      /broken\.onnx: ONNX/,
    ],
    ["an unknown backend", [...tiny, "--backend", "wasm,gpu"], 2, /--backend gpu: must be auto/],
    ["threads that are no number", [...tiny, "--threads", "1,x"], 2, /--threads x: a positive/],
    ["maps of another type", [...tiny, "--maps", "int8"], 2, /--maps int8: must be float32 or bf/],
    [
      "narrow kernels",
      ["--kernels", "--maps", "bfloat16"],
      2,
      /--maps bfloat16 does not go with --kernels/,
    ],
    ["a batch of none", [...tiny, "--batch", "0"], 2, /--batch 0: a positive/],
    ["a file with --train", ["x.onebit", "--train"], 2, /takes an architecture, such as bnext-18/],
    ["two networks with --train", ["bnext-18", "bnext-t", "--train"], 2, /one architecture/],
    [
      "a file with switches",
      ["{tiny.onebit}", "--widths", "8,8"],
      2,
      /tiny\.onebit is a packed network, which says itself how it is built/,
    ],
  ])("%s", async (_, args, expected, message) => {
    const { status, stderr, stdout } = await onebit("bench", ...args.map(inFolder));
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/internal error/);
    expect([status, stdout]).toEqual([expected, ""]);
  });
});
