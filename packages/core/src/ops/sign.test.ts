import { expect, test } from "vitest";
import { inferShape, tensor, valuesOf } from "../test-support/one-op.js";
import { checkOp } from "../test-support/op-check.js";
import { gradientGraph } from "../test-support/op-graphs.js";
import { builtInEstimators } from "./estimators.js";

const attrs = { estimator: "clip", range: 1, zero: -1 };
const edges = [0, -0, 1.4e-45, -1.4e-45, 1.2e-38, -1.2e-38, 3e38, -3e38, 0.5, -0.5];

test.each([-1, 1])(
  "sign: %i at zero, and tiny numbers have a side, in every lowering",
  async (zero) => {
    const expected = [zero, zero, 1, -1, 1, -1, 1, -1, 1, -1];
    const { outputs } = await checkOp({
      op: "sign",
      attrs: { ...attrs, zero },
      inputs: [tensor(edges)],
    });
    expect([...outputs[0].data]).toEqual(expected);
  },
);

test.each(["clip", "approx", "swish"])(
  "sign with %s: the gradient is the closed form",
  async (estimator) => {
    const { inputs, gradients, gradOutputs } = await checkOp({
      op: "sign",
      attrs: { ...attrs, estimator, range: 1.5 },
      inputs: [[2, 3, 5, 4]],
      estimated: [0],
    });
    const { derivative } = builtInEstimators[estimator];
    inputs[0].data.forEach((t, i) => {
      expect(gradients[0]!.data[i]).toBeCloseTo(gradOutputs[0]!.data[i] * derivative(t, 1.5), 12);
    });
  },
);

test.each([1, 1.5, 0.1, 1.25e-3, 40])(
  "sign with clip: range %d ends exactly, in every lowering",
  async (range) => {
    const [below, end, above] = neighbours(range);
    const t = tensor([below, end, above, -below, -end, -above, 0, 1e30, -1e30]);
    const { gradients, gradOutputs } = await checkOp({
      op: "sign",
      attrs: { ...attrs, range },
      inputs: [t],
      estimated: [0],
    });
    const passes = [1, 1, 0, 1, 1, 0, 1, 0, 0];
    expect([...gradients[0]!.data]).toEqual(
      passes.map((pass, i) => pass * gradOutputs[0]!.data[i]),
    );
  },
);

test("sign with identity adds no node", () => {
  const shapes = [[2, 3]];
  const test = {
    op: "sign",
    attrs: { ...attrs, estimator: "identity" },
    shapes,
    mode: "training",
  } as const;
  expect(gradientGraph(test, [0]).nodes.map(({ op }) => op)).toEqual(["sign"]);
});

test("sign: a user's estimator is used, also under the name of a built-in one", async () => {
  const { gradients, gradOutputs } = await checkOp({
    op: "sign",
    attrs: { ...attrs, estimator: "clip" },
    inputs: [[3, 2]],
    estimated: [0],
    estimators: { clip: (b, _, g) => b.op("mul", [g, b.constant(3)]) },
  });
  gradOutputs[0]!.data.forEach((g, i) => {
    expect(gradients[0]!.data[i]).toBeCloseTo(3 * g, 12);
  });
});

test("sign: refuses unknown estimators, zeros and ranges", async () => {
  const unknown = {
    op: "sign",
    attrs: { ...attrs, estimator: "tanh" },
    inputs: [[2]],
    estimated: [0],
  };
  await expect(checkOp(unknown)).rejects.toThrow('unknown estimator "tanh"');
  expect(() => inferShape("sign", [[2]], { ...attrs, zero: 0 })).toThrow("zero 0: must be -1 or 1");
  expect(() => inferShape("sign", [[2]], { ...attrs, range: 0 })).toThrow(
    "range 0: must be positive",
  );
  expect(valuesOf("sign", [[]], attrs)).toEqual([]);
});

/** A float32 with the ones before and after it. */
function neighbours(value: number): [number, number, number] {
  const bits = new Uint32Array(Float32Array.of(value).buffer)[0];
  const at = (offset: number) => new Float32Array(Uint32Array.of(bits + offset).buffer)[0];
  return [at(-1), at(0), at(1)];
}
