import { describe, expect, it } from "vitest";
import { subjectsHere } from "../conformance/subjects.js";
import { writeOnebit } from "../file/index.js";
import { checkProgram } from "../program/check.js";
import type { MicroOp, Program, ProgramTensors } from "../program/types.js";
import { bitTensor, floatTensor, value } from "../test-support/packed-step.js";
import { BudgetError } from "./budget.js";
import { load } from "./load.js";

const { subjects } = await subjectsHere();
const backends = [...new Set(subjects.map(({ backend }) => backend))];

/** A padded convolution and its mean, which are the outputs. */
function padded(kernel: number, side: number): { program: Program; tensors: ProgramTensors } {
  const conv = { kind: "conv", covers: [], input: 0, weight: "w", out: 1, groups: 1 } as const;
  const window = { kernel: [kernel, kernel], stride: [1, 1], padding: [kernel, kernel] } as const;
  const program: Program = {
    values: [
      value("x", "map", [side, side, 64]),
      value("logits", "vector", [1, 1, 1]),
      value("y", "map", [side + kernel + 1, side + kernel + 1, 1]),
    ],
    input: 0,
    steps: [
      {
        ...{ ...conv, ...window },
        epilogue: [
          ["mean", 0, 1, 0],
          ["store", 0, 2, 0],
        ],
      },
    ],
    outputs: { logits: 1, y: 2 },
  };
  return {
    program,
    tensors: { w: floatTensor(new Float32Array(kernel ** 2 * 64), [1, kernel, kernel, 64]) },
  };
}

/** Four maps of 256 MiB that live together: a file of some hundred bytes. */
function largeMaps(): { program: Program; tensors: ProgramTensors } {
  const shape = [512, 512, 256] as const;
  const maps = ["a", "b", "c", "d"];
  const pointwise = { kind: "pointwise", covers: [] } as const;
  const stores = maps.map((_, i): MicroOp => ["store", 0, 1 + i, 0]);
  const program: Program = {
    values: [
      value("x", "map", shape),
      ...maps.map((name) => value(name, "map", shape)),
      value("logits", "vector", [1, 1, 256]),
    ],
    input: 0,
    steps: [
      { ...pointwise, input: 0, epilogue: stores },
      {
        ...{ ...pointwise, input: 1 },
        epilogue: [
          ...[2, 3, 4].map((id): MicroOp => ["load", id]),
          ["add", 0, 1],
          ["add", 2, 3],
          ["add", 4, 5],
          ["mean", 6, 5, 0],
        ],
      },
    ],
    outputs: { logits: 5 },
  };
  return { program, tensors: {} };
}

/** A 200x200 kernel that sees 399 x 399 different parts of it: 5 kB of weights. */
function manyBorders(padding: number): { program: Program; tensors: ProgramTensors } {
  const window = { kernel: [200, 200], stride: [1, 1], padding: [padding, padding] } as const;
  const conv = { kind: "binary-conv", covers: [], input: 1, weight: "w", out: 1 } as const;
  const signs: MicroOp = ["bits", 0, "t", 1, 0, 1];
  const program: Program = {
    values: [
      value("x", "map", [200, 200, 1]),
      value("signs", "bits", [200, 200, 1]),
      value("logits", "vector", [1, 1, 1]),
    ],
    input: 0,
    steps: [
      { kind: "pointwise", covers: [], input: 0, epilogue: [signs] },
      { ...conv, ...window, groups: 1, padValue: 0, epilogue: [["mean", 0, 2, 0]] },
    ],
    outputs: { logits: 2 },
  };
  const ones = new Int8Array(200 * 200).fill(1);
  return { program, tensors: { t: floatTensor(Float32Array.of(0)), w: bitTensor(ones, 1) } };
}

describe.each(backends)("$name", (backend) => {
  it("tells what a program needs before it takes it", async () => {
    const { program, tensors } = largeMaps();
    checkProgram(program, tensors);
    const before = process.memoryUsage().rss;
    const compiling = backend.compile(program, tensors, { threads: 1 });
    await expect(compiling).rejects.toThrow(BudgetError);
    await expect(compiling).rejects.toThrow(
      /needs \d+ MiB .*more than its memory budget of 768 MiB/,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(200 * 2 ** 20);
  });

  it("takes no more than it is given, and less when given less", async () => {
    const { program, tensors } = manyBorders(100);
    const executable = await backend.compile(program, tensors, { threads: 1 });
    const needed = executable.memoryBytes!;
    executable.dispose();
    const options = { threads: 1, memory: needed };
    (await backend.compile(program, tensors, options)).dispose();
    const compiling = backend.compile(program, tensors, { threads: 1, memory: needed - 2 ** 16 });
    await expect(compiling).rejects.toThrow(BudgetError);
  });

  it("prepares borders in time that grows with the kernel's area", async () => {
    const { program, tensors } = manyBorders(199);
    checkProgram(program, tensors);
    const start = performance.now();
    (await backend.compile(program, tensors, { threads: 1 })).dispose();
    // Growing with the area of the map as well, it took 3.6 s and 17 s.
    expect(performance.now() - start).toBeLessThan(2000);
  });
});

describe("load", () => {
  it("refuses what takes more memory or work than it may, and takes it when told to", async () => {
    const file = await writeOnebit(padded(3, 32));
    const given = { shape: [1, 64, 32, 32], data: new Float32Array(64 * 32 * 32) };
    for (const { name } of backends) {
      const backend = name as "wasm";
      const memory = load(file, { backend, budget: { memory: 1000 } });
      await expect(memory).rejects.toThrow(BudgetError);
      await expect(memory).rejects.toThrow(
        /^model: \w+: needs \d+ KiB .* more than its memory budget of 1 KiB; smaller images/,
      );
      const work = load(file, { backend, budget: { work: 1e5 } });
      await expect(work).rejects.toThrow(/takes 7.5e\+5 multiply-adds .* work budget of 1.0e\+5/);
      using model = await load(file, { backend, budget: { work: 1e6, memory: Infinity } });
      expect([...(await model.run(given)).logits.data]).toEqual([0]);
    }
    const auto = load(file, { budget: { memory: 1000 } });
    await expect(auto).rejects.toThrow(BudgetError);
  });

  it("counts what features() needs besides", async () => {
    const file = await writeOnebit(padded(3, 32));
    const given = { shape: [1, 64, 32, 32], data: new Float32Array(64 * 32 * 32) };
    const [{ name }] = backends;
    const once = await backends[0].compile(padded(3, 32).program, padded(3, 32).tensors, {
      threads: 1,
    });
    const budget = { memory: 1.5 * once.memoryBytes! };
    once.dispose();
    using model = await load(file, { backend: name as "wasm", budget });
    await expect(model.features(given)).rejects.toThrow(BudgetError);
    expect((await model.run(given)).logits.data).toHaveLength(1);
  });

  it.each([[{ memory: -1 }], [{ memory: "2g" }], [{ bytes: 1 }], [7]])(
    "knows no budget %j",
    async (budget) => {
      const loading = load(new Uint8Array(), { budget: budget as never });
      await expect(loading).rejects.toThrow(
        /budget .*must be \{ memory: bytes, work: multiply-adds/,
      );
    },
  );
});
