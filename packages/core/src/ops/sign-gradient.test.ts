import { expect, test } from "vitest";
import { inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const t = tensor([-1.6, -1.5, -1, -0.5, 0, 0.25, 1, 1.5, 1.6]);
const g = tensor(new Array(9).fill(4));

test.each([
  ["clip", [0, 4, 4, 4, 4, 4, 4, 4, 0]],
  ["approx", [0, 0, 0, 4, 8, 6, 0, 0, 0]],
  ["identity", [4, 4, 4, 4, 4, 4, 4, 4, 4]],
])("sign-gradient %s, by hand", async (estimator, expected) => {
  const attrs = { estimator, range: 1.5 };
  const { outputs } = await checkOp({ op: "sign-gradient", attrs, inputs: [t, g] });
  expect([...outputs[0].data]).toEqual(expected);
});

test("sign-gradient swish: oracle and lowerings, far out too", async () => {
  const far = tensor([-30, -8, -1, 0, 0.3, 2, 8, 30]);
  const ones = tensor(new Array(8).fill(1));
  const attrs = { estimator: "swish", range: 1 };
  const { outputs } = await checkOp({ op: "sign-gradient", attrs, inputs: [far, ones] });
  expect([...outputs[0].data].every(Number.isFinite)).toBe(true);
});

test("sign-gradient: refuses shapes that differ", () => {
  const attrs = { estimator: "clip", range: 1 };
  expect(() => inferShape("sign-gradient", [[2], [3]], attrs)).toThrow(
    "[2] and gradient [3] differ",
  );
});
