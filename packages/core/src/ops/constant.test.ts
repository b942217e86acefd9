import { expect, test } from "vitest";
import { evaluateOp, inferShape } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

test.each([
  { value: 2.5, shape: [] },
  { value: -1, shape: [2, 3] },
  { value: [1, 2, 3, 4, 5, 6], shape: [2, 3] },
  // above the size that is stored element by element
  { value: 3, shape: [65, 64] },
])("constant $value, $shape: oracle and lowering", async (attrs) => {
  await checkOp({ op: "constant", attrs, inputs: [] });
});

test("constant: elements in row-major order, or one number everywhere", () => {
  const [list] = evaluateOp("constant", [], { value: [1, 2], shape: [2, 1] });
  expect(list).toEqual({ shape: [2, 1], data: Float64Array.of(1, 2) });
  const [filled] = evaluateOp("constant", [], { value: 7, shape: [2] });
  expect([...filled.data]).toEqual([7, 7]);
});

test("constant: refuses a list that does not fill the shape", () => {
  const infer = () => inferShape("constant", [], { value: [1, 2, 3], shape: [2] });
  expect(infer).toThrow("3 values given for shape [2] (2 elements)");
});
