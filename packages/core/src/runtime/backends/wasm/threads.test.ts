import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import { writeOnebit } from "../../../file/index.js";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import { expectSameFloats, floatTensor, value } from "../../../test-support/packed-step.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { FIRST_ADDRESS } from "./memory-plan.js";

type Packed = { readonly program: Program; readonly tensors: ProgramTensors };

interface TeamOptions {
  readonly threads: number;
  /** Memory that cannot grow. */
  readonly fixed?: boolean;
}

async function onThreads({ program, tensors }: Packed, { threads, fixed }: TeamOptions) {
  const compiled = compileProgram(program, tensors, { threads, parallelElements: 1 });
  const memory = compiled.plan.allocate();
  if (fixed) growToTheEnd(memory);
  const executable = await WasmExecutable.instantiate(program, compiled, { threads, memory });
  expect(await executable.ready()).toBe(threads);
  return { executable, memory };
}

function growToTheEnd(memory: WebAssembly.Memory): void {
  try {
    for (;;) memory.grow(1);
  } catch {
    // As wanted.
  }
}

const imageSize = ({ program }: Packed) => elementCount(program.values[program.input].shape);

/** The first `count` of the images, on the reference. */
async function referenceOutputs(packed: Packed, images: Float32Array, count: number) {
  const executable = await reference.compile(packed.program, packed.tensors, { threads: 1 });
  return executable.run(images.subarray(0, count * imageSize(packed)), count);
}

/** Batches one after another, as a user's calls come. */
async function expectReference(
  packed: Packed,
  images: Float32Array,
  { batches = [1], ...options }: TeamOptions & { readonly batches?: readonly number[] },
): Promise<void> {
  const { executable } = await onThreads(packed, options);
  for (const count of batches) {
    const expected = await referenceOutputs(packed, images, count);
    const actual = await executable.run(images.subarray(0, count * imageSize(packed)), count);
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, `${name}, ${options.threads} threads, batch ${count}`);
    }
  }
  executable.dispose();
}

const BATCHES = [1, 5, 2, 3, 1];

function nano(): { packed: Packed; images: Float32Array } {
  const graph = buildModel("bnext-nano", { classes: 7, input: [3, 16, 16] });
  const images = randomImages([5, 16 * 16 * 3], 2).data as Float32Array;
  return { packed: pack(graph, randomWeights(graph, 1)), images };
}

describe("threads", () => {
  it.each([1, 2, 3])("%i give the reference's bits on random programs", async (threads) => {
    for (let seed = 0; seed < 12; seed++) {
      const random = randomProgram(seed);
      const images = randomImages([5, imageSize(random)], seed).data as Float32Array;
      await expectReference(random, images, { threads, batches: BATCHES });
    }
  });

  it.each([1, 2, 3])("%i give the reference's bits on a network", async (threads) => {
    const { packed, images } = nano();
    await expectReference(packed, images, { threads, batches: BATCHES });
  });

  it("share every image where memory for more arenas is missing", async () => {
    const { packed, images } = nano();
    await expectReference(packed, images, { threads: 2, batches: BATCHES, fixed: true });
  });

  it("take memory for arenas of their own when a batch comes, once", async () => {
    const { packed, images } = nano();
    const { executable, memory } = await onThreads(packed, { threads: 3 });
    const sizes: number[] = [];
    for (const count of [1, 2, 3, 5]) {
      await executable.run(images.subarray(0, count * imageSize(packed)), count);
      sizes.push(memory.buffer.byteLength);
    }
    executable.dispose();
    expect(sizes[1]).toBe(sizes[0]);
    expect(sizes[2] - sizes[0]).toBeGreaterThanOrEqual(2 * executable.arenaBytes);
    expect(sizes[3]).toBe(sizes[2]);
  });

  it("leave tables, weights and parameters alone", async () => {
    const { packed, images } = nano();
    const { executable, memory } = await onThreads(packed, { threads: 2 });
    const batch = images.subarray(0, 2 * imageSize(packed));
    const from = FIRST_ADDRESS + executable.arenaBytes;
    const to = memory.buffer.byteLength;
    const before = new Uint8Array(memory.buffer).slice(from, to);
    await executable.run(batch, 2);
    const after = new Uint8Array(memory.buffer).subarray(from, to);
    expect(before.every((byte, i) => byte === after[i])).toBe(true);
    executable.dispose();
  });

  it("profile images side by side as long as one takes", async () => {
    const { packed, images } = nano();
    const { executable } = await onThreads(packed, { threads: 2 });
    await executable.run(images.subarray(0, 4 * imageSize(packed)), 4);
    const start = performance.now();
    await executable.run(images.subarray(0, 4 * imageSize(packed)), 4);
    const wall = performance.now() - start;
    const steps = executable.profile();
    executable.dispose();
    expect(steps.length).toBe(packed.program.steps.length);
    expect(steps.every((ms) => ms >= 0)).toBe(true);
    const total = steps.reduce((a, b) => a + b, 0);
    expect(total).toBeGreaterThan(0);
    expect(total).toBeLessThanOrEqual(wall);
  });

  it("share the outputs of a large linear layer", async () => {
    const [inputs, out] = [200, 130];
    const random = randomStream(4);
    const data = Float32Array.from({ length: inputs * out }, () => random() - 0.5);
    const tensors = { w: floatTensor(data, [out, inputs]), t: floatTensor(data.slice(0, out)) };
    const values = [
      value("x", "map", [1, 1, inputs]),
      value("v", "vector", [1, 1, inputs]),
      value("y", "vector", [1, 1, out]),
    ];
    const linear = { kind: "linear", weight: "w", out, covers: [], input: 1 } as const;
    const steps: Step[] = [
      { kind: "pointwise", covers: [], input: 0, epilogue: [["store", 0, 1, 0]] },
      {
        ...linear,
        epilogue: [
          ["shift", 0, "t"],
          ["store", 1, 2, 0],
        ],
      },
    ];
    const program = { values, input: 0, steps, outputs: { y: 2 } };
    for (const threads of [2, 3]) {
      await expectReference({ program, tensors }, data.slice(0, inputs), { threads });
    }
  });

  it("do not keep the process alive", async () => {
    const built = new URL("../../../../dist/runtime/backends/wasm/index.js", import.meta.url).href;
    const code = `
      const { wasm } = await import(${JSON.stringify(built)});
      const values = ["x", "y"].map((name) => ({ name, kind: "map", shape: [8, 8, 4] }));
      const step = { kind: "pointwise", covers: [], input: 0, epilogue: [["store", 0, 1, 0]] };
      const program = { values, input: 0, steps: [step], outputs: { y: 1 } };
      const executable = await wasm.compile(program, {}, { threads: 2 });
      console.log(await executable.ready());`;
    const node = promisify(execFile);
    const { stdout } = await node(process.execPath, ["--input-type=module", "-e", code]);
    expect(stdout.trim()).toBe("2");
  });

  it("that cannot start leave the work to one, which says why", async () => {
    const built = new URL("../../../../dist/index.js", import.meta.url).href;
    const { packed } = nano();
    const folder = await mkdtemp(join(tmpdir(), "onebit-threads-"));
    const path = join(folder, "nano.onebit");
    await writeFile(path, await writeOnebit(packed));
    const code = `
      const { load } = await import(${JSON.stringify(built)});
      const model = await load(${JSON.stringify(path)}, { backend: "wasm", threads: 3 });
      await model.ready();
      const data = new Float32Array(3 * 16 * 16);
      const { logits } = await model.run({ shape: [1, 3, 16, 16], data });
      console.log(JSON.stringify([model.threads, model.threadsReason, logits.data.length]));`;
    // Without --allow-worker nobody starts one.
    const permission = process.allowedNodeEnvironmentFlags.has("--permission")
      ? "--permission"
      : "--experimental-permission";
    const flags = [permission, "--allow-fs-read=*", "--no-warnings", "--input-type=module"];
    const { stdout } = await promisify(execFile)(process.execPath, [...flags, "-e", code]);
    const [threads, reason, logits] = JSON.parse(stdout);
    expect([threads, logits]).toEqual([1, 7]);
    expect(reason).toMatch(/^a thread could not start: .*(restricted|permission)/i);
    await rm(folder, { recursive: true });
  });

  it("finish what they do, and refuse to run after dispose", async () => {
    const { packed, images } = nano();
    const { executable } = await onThreads(packed, { threads: 2 });
    const running = executable.run(images, 5);
    executable.dispose();
    const expected = await referenceOutputs(packed, images, 5);
    expectSameFloats((await running).logits, expected.logits, "logits");
    await expect(executable.run(images, 5)).rejects.toThrow(/disposed/);
  });
});
