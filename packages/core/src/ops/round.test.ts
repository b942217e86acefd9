import { expect, it } from "vitest";
import { tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

it("rounds to whole numbers, half to even", () => {
  const x = [-2.5, -1.5, -0.5, -0.3, 0.5, 1.5, 2.5, 2.6, 1e9, -7];
  expect(valuesOf("round", [x])).toEqual([-2, -2, 0, 0, 0, 2, 2, 3, 1e9, -7]);
});

it("lets gradients through", async () => {
  const inputs = [tensor([-2.4, 0.4, 7.7, 3], [2, 2])];
  const { gradients, gradOutputs } = await checkOp({ op: "round", inputs, estimated: [0] });
  expect([...gradients[0]!.data]).toEqual([...gradOutputs[0]!.data]);
});
