import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { runValues } from "../../runtime/backends/reference/program.js";
import { expectSameFloats } from "../../test-support/packed-step.js";
import { pointwise, pooledProgram } from "../../test-support/pooled-program.js";
import { checkProgram } from "../check.js";
import type { PoolStep, Program, ProgramValue, Step } from "../types.js";
import { joinPools } from "./join-pools.js";
import { atInputSize } from "./resize.js";

const even = fc.integer({ min: 1, max: 5 }).map((n) => 2 * n);
const channels = fc.integer({ min: 1, max: 70 });
const cases = fc.record({ height: even, width: even, first: channels, second: channels });

describe("a joined pool", () => {
  it("is no step of its own, its map is no value, and every number stays what it was", () => {
    const check = fc.property(cases, fc.nat(), (one, seed) => {
      const { program, tensors, image } = pooledProgram(one, seed);
      const joined = joinPools(program);
      checkProgram(joined, tensors);
      expect(joined.steps).toHaveLength(program.steps.length - 1);
      const names = program.values.map(({ name }) => name);
      expect(joined.values.map(({ name }) => name)).toEqual(names.filter((n) => n !== "wide"));
      const expected = runValues(program, tensors, image);
      runValues(joined, tensors, image).forEach((values, id) => {
        const { name } = joined.values[id];
        const whole = expected[names.indexOf(name)];
        expectSameFloats(Float32Array.from(values), Float32Array.from(whole), name);
      });
    });
    fc.assert(check, { numRuns: 60 });
  });

  it("is covered by the step that completes the means", () => {
    const { program } = pooledProgram({ height: 4, width: 6, first: 5, second: 6 }, 1);
    const steps = program.steps.map((step, i) => ({ ...step, covers: [`${i}`] }));
    const { steps: joined } = joinPools({ ...program, steps });
    expect(joined.map(({ covers }) => covers)).toEqual([["0"], ["1", "2"], ["3"]]);
  });
});

describe("means of 2x2 pixels", () => {
  const { program, tensors } = pooledProgram({ height: 4, width: 6, first: 5, second: 6 }, 1);
  const joined = joinPools(program);

  it("are for maps of float32, where half sums can wait", () => {
    const values = joined.values.map((value): ProgramValue => {
      return value.name === "means" ? { ...value, type: "bfloat16" } : value;
    });
    expect(() => checkProgram({ ...joined, values }, tensors)).toThrow(
      'value "means": cannot be bfloat16, it takes means of 2x2 pixels',
    );
  });

  it("go with other sizes, if even", () => {
    const larger = atInputSize(joined, tensors, [8, 2]);
    expect(larger).toEqual(joinPools(atInputSize(program, tensors, [8, 2])));
    expect(() => atInputSize(joined, tensors, [8, 5])).toThrow(
      /cannot take 8x5: .*means of 2x2 pixels of a map of 8x5/,
    );
  });
});

describe("what is not joined", () => {
  const { program } = pooledProgram({ height: 4, width: 6, first: 5, second: 6 }, 1);
  const changed = (step: Partial<PoolStep>): Program => {
    const steps = program.steps.map((old, i) => (i === 2 ? { ...old, ...step } : old) as Step);
    return { ...program, steps };
  };
  const isJoined = (one: Program) => joinPools(one) !== one;

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
