import { expect, test } from "vitest";
import { inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { opNamed } from "./index.js";

const below = [1, 2];
const cases: [string, number[]][] = [
  ["greater", [0, 0, 1]],
  ["greater-equal", [0, 1, 1]],
  ["less", [1, 0, 0]],
  ["less-equal", [1, 1, 0]],
  ["equal", [0, 1, 0]],
];

test.each(cases)("%s of a smaller, an equal and a larger number", async (op, expected) => {
  expect(
    valuesOf(op, [
      [1, 2, 3],
      [2, 2, 2],
    ]),
  ).toEqual(expected);
  const { outputs } = await checkOp({ op, inputs: [tensor([1, 2, 3]), tensor([2, 2, 2])] });
  expect([...outputs[0].data]).toEqual(expected);
});

test.each(cases)("%s broadcasts and gives bool", async (op) => {
  await checkOp({
    op,
    inputs: [
      [2, 3, 4],
      [3, 1],
    ],
  });
  const float = { shape: below, dtype: "float32" as const };
  expect(opNamed(op).infer([float, float], {})).toEqual([{ shape: below, dtype: "bool" }]);
});

test("comparisons want numbers", () => {
  expect(() => inferShape("greater", [[2], [2]], {}, ["bool"])).toThrow("a is bool");
  expect(() => inferShape("less", [[2]])).toThrow("takes 2 inputs (a, b), 1 given");
});
