import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinPools } from "../../../program/passes/join-pools.js";
import type { Program, Step } from "../../../program/types.js";
import { expectSameFloats, value } from "../../../test-support/packed-step.js";
import { POOL, pooledProgram } from "../../../test-support/pooled-program.js";
import { reference } from "../reference/index.js";
import { compileProgram } from "./compile.js";
import { WasmExecutable } from "./executable.js";

const even = fc.integer({ min: 1, max: 5 }).map((n) => 2 * n);
const channels = fc.integer({ min: 1, max: 70 });
const cases = fc.record({ height: even, width: even, first: channels, second: channels });

async function expectReference(
  { program, tensors, image }: ReturnType<typeof pooledProgram>,
  threads: number,
): Promise<void> {
  const alone = await reference.compile(program, tensors, { threads: 1 });
  const expected = await alone.run(image, 1);
  const joined = joinPools(program);
  const compiled = compileProgram(joined, tensors, { threads, parallelElements: 1 });
  const executable = await WasmExecutable.instantiate(joined, compiled, { threads });
  await executable.ready();
  for (const again of [1, 2]) {
    const actual = await executable.run(image, 1);
    for (const [name, values] of Object.entries(expected)) {
      expectSameFloats(actual[name], values, `${name}, run ${again}`);
    }
  }
  executable.dispose();
}

describe("a pool of 2x2 means", () => {
  it("joined to the steps before it gives the reference's bits", async () => {
    const check = fc.asyncProperty(cases, fc.nat(), async (one, seed) => {
      const pooled = pooledProgram(one, seed);
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
    const arena = (one: Program) => compileProgram(joinPools(one), tensors).plan.arenaBytes;
    expect(arena(shown) - arena(program)).toBeGreaterThan(64 * 64 * 64 * 4 * 0.7);
  });
});
