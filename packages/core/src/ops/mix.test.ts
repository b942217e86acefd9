import { expect, test } from "vitest";
import { inferShape, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const map = [2, 3, 4, 4];
const scale = [1, 3, 1, 1];

test("mix: oracle, lowering and gradients", async () => {
  expect(
    valuesOf("mix", [
      [1, 1, 1],
      [5, 5, 5],
      [1, 0, 0.25],
    ]),
  ).toEqual([1, 5, 4]);
  await checkOp({ op: "mix", inputs: [map, map, scale], differentiable: [0, 1, 2] });
});

test("mix: the scale's gradient is the closed form", async () => {
  const { inputs, gradients, gradOutputs } = await checkOp({
    op: "mix",
    inputs: [map, map, scale],
    differentiable: [2],
  });
  const [p, y] = inputs;
  const expected = [0, 0, 0];
  gradOutputs[0]!.data.forEach((g, i) => {
    expected[Math.floor(i / 16) % 3] += g * (p.data[i] - y.data[i]);
  });
  expect(gradients[2]!.shape).toEqual(scale);
  gradients[2]!.data.forEach((value, c) => {
    expect(value).toBeCloseTo(expected[c], 10);
  });
});

test("mix: refuses shapes that do not broadcast", () => {
  expect(() => inferShape("mix", [map, map, [1, 4, 1, 1]])).toThrow("do not broadcast");
  expect(() => inferShape("mix", [map, map])).toThrow("takes 3 inputs (p, y, a), 2 given");
});
