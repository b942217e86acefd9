import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { randomProgram } from "../../../conformance/random-program.js";
import { buildModel } from "../../../models/index.js";
import { pack } from "../../../pack/index.js";
import { elementCount } from "../../../program/geometry.js";
import type { Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import { expectSameFloats, floatTensor, value } from "../../../test-support/packed-step.js";
import { randomImages, randomWeights } from "../../../test-support/random-weights.js";
import { Barrier } from "./barrier.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";

async function onThreads(program: Program, tensors: ProgramTensors, threads: number) {
  const compiled = compileProgram(program, tensors, { threads, parallelElements: 1 });
  const executable = await WasmExecutable.instantiate(program, compiled, { threads });
  expect(await executable.ready()).toBe(threads);
  return executable;
}

async function expectSameOnThreads(
  { program, tensors }: { program: Program; tensors: ProgramTensors },
  images: Float32Array,
  label: string,
): Promise<void> {
  const count = images.length / elementCount(program.values[program.input].shape);
  const alone = await onThreads(program, tensors, 1);
  const expected = await alone.run(images, count);
  alone.dispose();
  for (const threads of [2, 3]) {
    const team = await onThreads(program, tensors, threads);
    for (const again of [1, 2]) {
      const actual = await team.run(images, count);
      for (const [name, values] of Object.entries(expected)) {
        expectSameFloats(actual[name], values, `${label}, ${name}, ${threads} threads, ${again}`);
      }
    }
    team.dispose();
  }
}

describe("threads", () => {
  it("give the same bits on random programs", async () => {
    for (let seed = 0; seed < 12; seed++) {
      const random = randomProgram(seed);
      await expectSameOnThreads(random, random.image, `seed ${seed}`);
    }
  });

  it("give the same bits on a network, images one after another", async () => {
    const graph = buildModel("bnext-nano", { classes: 7, input: [3, 16, 16] });
    const packed = pack(graph, randomWeights(graph, 1));
    const images = randomImages([3, 16 * 16 * 3], 2).data as Float32Array;
    await expectSameOnThreads(packed, images, "bnext-nano");
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
    await expectSameOnThreads({ program, tensors }, data.slice(0, inputs), "linear");
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

  it("refuse to run after dispose", async () => {
    const { program, tensors, image } = randomProgram(3);
    const team = await onThreads(program, tensors, 2);
    team.dispose();
    await expect(team.run(image, 1)).rejects.toThrow(/disposed/);
  });
});

describe("barrier", () => {
  it("lets nobody pass before all are there, awake or asleep", async () => {
    const barrier = new Barrier(2);
    const order = new Int32Array(new SharedArrayBuffer(8));
    // The same protocol, written out: arrives, bumps the round if it was the last, wakes the rest.
    const code = `
      const { workerData: { control, order } } = require("node:worker_threads");
      const words = new Int32Array(control);
      const pause = new Int32Array(new SharedArrayBuffer(4));
      for (let i = 1; i <= 3; i++) {
        Atomics.wait(pause, 0, 0, 30);
        Atomics.store(order, 0, i);
        const round = Atomics.load(words, 1);
        if (Atomics.add(words, 0, 1) === 1) {
          Atomics.store(words, 0, 0);
          Atomics.add(words, 1, 1);
          Atomics.notify(words, 1);
        } else while (Atomics.load(words, 1) === round);
      }`;
    const workerData = { control: barrier.control, order };
    const worker = new Worker(code, { eval: true, workerData });
    for (let i = 1; i <= 3; i++) {
      barrier.meet();
      expect(Atomics.load(order, 0)).toBeGreaterThanOrEqual(i);
    }
    await worker.terminate();
  });
});
