import { expect, it } from "vitest";
import { checkOp } from "../test-support/op-check.js";
import { opSamples } from "../test-support/op-samples.js";
import { ops } from "./index.js";

it("every op has samples (test-support/op-samples.ts)", () => {
  expect(Object.keys(opSamples).toSorted()).toEqual(Object.keys(ops).toSorted());
});

/** docs/ops.md says what is checked here. */
it.each(Object.entries(opSamples))(
  "%s: lowerings agree with the oracle, gradients with finite differences",
  async (op, samples) => {
    for (const { shapes, wanted = [], estimated = false, low = -2, ...sample } of samples) {
      const gradients = estimated ? { estimated: wanted } : { differentiable: wanted };
      await checkOp({ op, inputs: shapes, ...gradients, domain: { low, high: 2 }, ...sample });
      expect(wanted.length > 0, `${op} has a gradient rule`).toBe(givesGradient(op));
    }
  },
);

/** Comparisons have one that gives nothing; constants, and detach, have nothing to give. */
function givesGradient(op: string): boolean {
  return opSamples[op].some(({ wanted = [] }) => wanted.length > 0);
}
