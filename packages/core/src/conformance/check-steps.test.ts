import { describe, expect, it } from "vitest";
import { writesOf } from "../program/micro-ops.js";
import type { Executable, StepValues } from "../runtime/backend.js";
import { createContext, runStep } from "../runtime/backends/reference/program.js";
import { checkSteps } from "./check-steps.js";
import { type RandomProgram, randomProgram } from "./random-program.js";

type Change = (value: number, kind: string) => number;

/** The reference, step by step, each number that it writes changed. */
function changed({ program, tensors }: RandomProgram, change: Change): Executable {
  return {
    run: async () => ({}),
    async runStep(index: number, given: StepValues): Promise<StepValues> {
      const context = createContext(program, tensors);
      for (const [id, values] of given) context.values[id].set(values);
      runStep(context, program.steps[index]);
      const { values } = context;
      return new Map(
        writesOf(program.steps[index]).map((id) => {
          return [id, values[id].map((x) => change(x, program.values[id].kind))];
        }),
      );
    },
    dispose() {},
  };
}

/** Of the networks with such numbers, how many are said to differ. */
async function found(change: Change): Promise<number> {
  let count = 0;
  for (let seed = 0; seed < 100; seed++) {
    const network = randomProgram(seed);
    const executable = changed(network, change);
    const message = await checkSteps(executable, network.program, network.tensors, network.image);
    if (message !== undefined) count++;
  }
  return count;
}

const ofNumbers = (change: (x: number) => number): Change => {
  return (x, kind) => (kind === "bits" ? x : Math.fround(change(x)));
};

describe("steps", () => {
  it("are right where they are the reference's", async () => {
    expect(await found((x) => x)).toBe(0);
  });

  it("are wrong where a number is a little off, or a sign", async () => {
    expect(await found(ofNumbers((x) => x * (1 + 2 ** -12)))).toBeGreaterThan(95);
    expect(await found(ofNumbers((x) => x + 0.001))).toBeGreaterThan(95);
    expect(await found((x, kind) => (kind === "bits" ? -x : x))).toBeGreaterThan(50);
  });

  it("are wrong where an integer is off by one", async () => {
    expect(await found(ofNumbers((x) => (Number.isInteger(x) ? x + 1 : x)))).toBeGreaterThan(40);
  });
});
