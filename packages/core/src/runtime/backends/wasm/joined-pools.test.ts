import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import type { MicroOp, PoolStep, Program, ProgramTensors, Step } from "../../../program/types.js";
import { randomStream } from "../../../test-support/draw.js";
import {
  bitTensor,
  expectSameFloats,
  floatTensor,
  value,
} from "../../../test-support/packed-step.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";
import { joinPools } from "./joined-pools.js";

const POOL: Omit<PoolStep, "input" | "epilogue"> = {
  ...{ kind: "pool", mode: "average", kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
  covers: [],
};

interface Case {
  readonly height: number;
  readonly width: number;
  /** Of the two slices of the map that is averaged. */
  readonly first: number;
  readonly second: number;
}

/** A pointwise step and a convolution write a map side by side; a third step reads its means. */
function pooledProgram({ height, width, first, second }: Case, seed: number) {
  const random = randomStream(seed);
  const floats = (length: number) => Float32Array.from({ length }, () => 4 * random() - 2);
  const both = first + second;
  const [half, quarter] = [height / 2, width / 2];
  const program: Program = {
    values: [
      value("x", "map", [height, width, first]),
      value("signs", "bits", [height, width, first]),
      value("wide", "map", [height, width, both]),
      value("means", "map", [half, quarter, both]),
      value("y", "map", [half, quarter, both]),
      value("vector", "vector", [1, 1, second]),
    ],
    input: 0,
    steps: [
      pointwise(0, [
        ["bits", 0, "zeros", 1, 0, -1],
        ["prelu", 0, "s"],
        ["store", 2, 2, 0],
      ]),
      {
        ...{ kind: "binary-conv", weight: "w", out: second, kernel: [3, 3], stride: [1, 1] },
        ...{ padding: [1, 1], groups: 1, padValue: 0, covers: [], input: 1 },
        epilogue: [
          ["scale", 0, "t"],
          ["store", 1, 2, first],
          ["mean", 1, 5, 0],
        ],
      },
      { ...POOL, input: 2, epilogue: [["store", 0, 3, 0]] },
      pointwise(3, [
        ["load", 3],
        ["add", 0, 1],
        ["store", 2, 4, 0],
      ]),
    ],
    outputs: { y: 4, vector: 5 },
  };
  const signs = Array.from(floats(second * 9 * first), (x) => Math.sign(x) || 1);
  const tensors: ProgramTensors = {
    ...{ zeros: floatTensor(new Float32Array(first)), s: floatTensor(floats(first)) },
    ...{ t: floatTensor(floats(second)), w: bitTensor(signs, second) },
  };
  return { program, tensors, image: floats(height * width * first) };
}

function pointwise(input: number, epilogue: readonly MicroOp[]): Step {
  return { kind: "pointwise", covers: [], input, epilogue };
}

const even = fc.integer({ min: 1, max: 5 }).map((n) => 2 * n);
const channels = fc.integer({ min: 1, max: 70 });
const cases = fc.record({ height: even, width: even, first: channels, second: channels });

async function expectReference(
  { program, tensors, image }: ReturnType<typeof pooledProgram>,
  threads: number,
): Promise<void> {
  const alone = await reference.compile(program, tensors, { threads: 1 });
  const expected = await alone.run(image, 1);
  const compiled = compileProgram(program, tensors, { threads, parallelElements: 1 });
  expect(compiled.steps[2]).toEqual([]);
  const executable = await WasmExecutable.instantiate(program, compiled, { threads });
  await executable.ready();
  for (const again of [1, 2]) {
    const actual = await executable.run(image, 1);
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, `${name}, run ${again}`);
    }
  }
  executable.dispose();
}

describe("an average pool of 2x2", () => {
  it("joined to the steps before it gives the reference's bits", async () => {
    const check = fc.asyncProperty(cases, fc.nat(), async (one, seed) => {
      const pooled = pooledProgram(one, seed);
      checkProgram(pooled.program, pooled.tensors);
      await expectReference(pooled, 1);
    });
    await fc.assert(check, { numRuns: 60 });
  });

  it.each([2, 3])("does so on %i threads, whose rows come in pairs", async (threads) => {
    for (const [seed, height] of [2, 4, 6, 10].entries()) {
      const pooled = pooledProgram({ height, width: 6, first: 33, second: 64 }, seed);
      await expectReference(pooled, threads);
    }
  });

  it("begins at +0 and takes infinities and NaN as they come", async () => {
    const pooled = pooledProgram({ height: 4, width: 4, first: 4, second: 3 }, 1);
    const special = [-0, -0, -0, -0, Infinity, -Infinity, Number.NaN, 1e-45, 3e38];
    pooled.image.forEach((_, i) => {
      pooled.image[i] = special[i % special.length];
    });
    pooled.image.fill(-0, 0, 8);
    pooled.image.fill(-0, 16, 24);
    await expectReference(pooled, 1);
  });

  it("is joined where another takes its means, which is not", async () => {
    const { program, tensors, image } = pooledProgram(
      { height: 8, width: 4, first: 8, second: 40 },
      3,
    );
    const values = [...program.values, value("again", "map", [2, 1, 48])];
    const steps = program.steps.slice(0, 3);
    const again: Step = { ...POOL, input: 3, epilogue: [["store", 0, 6, 0]] };
    const chain = { ...program, values, steps: [...steps, again], outputs: { again: 6 } };
    await expectReference({ program: chain, tensors, image }, 1);
  });

  it("has no memory for the map", () => {
    const { program, tensors } = pooledProgram({ height: 64, width: 64, first: 32, second: 32 }, 1);
    const shown = { ...program, outputs: { ...program.outputs, wide: 2 } };
    const arena = (one: Program) => compileProgram(one, tensors).plan.arenaBytes;
    expect(arena(shown) - arena(program)).toBeGreaterThan(64 * 64 * 64 * 4 * 0.7);
  });
});

describe("what is not joined", () => {
  const { program } = pooledProgram({ height: 4, width: 6, first: 5, second: 6 }, 1);
  const changed = (step: Partial<PoolStep>): Program => {
    const steps = program.steps.map((old, i) => (i === 2 ? { ...old, ...step } : old) as Step);
    return { ...program, steps };
  };
  const isJoined = (one: Program) => joinPools(one).halved.size > 0;

  it("is said to be so against one that is", () => {
    expect(isJoined(program)).toBe(true);
  });

  it.each<[string, Program]>([
    ["a maximum", changed({ mode: "max" })],
    ["windows that overlap", changed({ stride: [2, 1] })],
    ["other windows", changed({ kernel: [3, 2] })],
    ["padding", changed({ padding: [1, 0] })],
    [
      "means that go through more",
      changed({
        epilogue: [
          ["relu", 0],
          ["store", 1, 3, 0],
        ],
      }),
    ],
    ["a map that the caller wants", { ...program, outputs: { wide: 2 } }],
    ["a map that the caller gives", { ...program, input: 2 }],
    [
      "a map that an epilogue loads",
      { ...program, steps: [...program.steps, pointwise(3, [["load", 2]])] },
    ],
    ["a map that another step reads", { ...program, steps: [...program.steps, pointwise(2, [])] }],
    [
      "an odd number of rows",
      {
        ...program,
        values: program.values.map((one, id) =>
          id === 2 ? { ...one, shape: [5, 6, 11] } : one,
        ) as Program["values"],
      },
    ],
  ])("%s", (_, one) => {
    expect(isJoined(one)).toBe(false);
  });
});
