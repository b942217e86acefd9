import { expect, test } from "vitest";
import { evaluateOp, inferShape, tensor } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";

const domain = { low: -2, high: 2, avoid: [0] };

test.each([[[2, 3, 4, 5]], [[4, 3]], [[1, 3, 1, 1]], [[2, 3, 7]]])(
  "prelu of %j: oracle, lowering and gradients",
  async (shape) => {
    await checkOp({ op: "prelu", inputs: [shape, [3]], differentiable: [0, 1], domain });
  },
);

test("prelu: one slope per channel, also above 1 and below 0", () => {
  const x = tensor([-1, 2, -1, 2, -1, 2], [1, 3, 2]);
  const [y] = evaluateOp("prelu", [x, tensor([0.25, -0.5, 3])]);
  expect([...y.data]).toEqual([-0.25, 2, 0.5, 2, -3, 2]);
});

test("prelu: the gradients of the ReActNet article, closed form", async () => {
  const { inputs, gradients, gradOutputs } = await checkOp({
    op: "prelu",
    inputs: [[3, 2, 3, 3], [2]],
    differentiable: [0, 1],
    domain,
  });
  const [x, slope] = inputs;
  const toSlope = [0, 0];
  gradOutputs[0]!.data.forEach((g, i) => {
    const c = Math.floor(i / 9) % 2;
    expect(gradients[0]!.data[i]).toBeCloseTo(x.data[i] > 0 ? g : slope.data[c] * g, 12);
    if (x.data[i] <= 0) toSlope[c] += g * x.data[i];
  });
  expect(gradients[1]!.data[0]).toBeCloseTo(toSlope[0], 10);
  expect(gradients[1]!.data[1]).toBeCloseTo(toSlope[1], 10);
});

test("prelu: at 0 the slope side counts, in every lowering, and tiny numbers have a side", async () => {
  const x = tensor([0, -0, 1.2e-38, -1.2e-38, 3e38, -3e38], [6, 1]);
  const slope = tensor([0.25]);
  const { gradients, gradOutputs } = await checkOp({
    op: "prelu",
    inputs: [x, slope],
    estimated: [0],
  });
  const g = gradOutputs[0]!.data;
  const factors = [0.25, 0.25, 1, 0.25, 1, 0.25];
  expect([...gradients[0]!.data]).toEqual(factors.map((factor, i) => factor * g[i]));
});

test("prelu: refuses anything but one slope per channel", () => {
  const wanted = "slope must be [3], one per channel of [2,3,4,4], is [4]";
  expect(() => inferShape("prelu", [[2, 3, 4, 4], [4]])).toThrow(wanted);
  expect(() =>
    inferShape("prelu", [
      [2, 3, 4, 4],
      [1, 3, 1, 1],
    ]),
  ).toThrow("slope must be [3]");
  expect(() => inferShape("prelu", [[3], [3]])).toThrow("input must be [N, C, ...]");
});
