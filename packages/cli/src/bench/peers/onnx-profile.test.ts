import { summarize } from "onebit/cost";
import { GraphBuilder } from "onebit/graph";
import { buildModel } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { expect, it } from "vitest";
import { randomWeights } from "../../../../core/src/test-support/random-weights.js";
import { macsOf, macsOfCall, opShares, parseProfile } from "./onnx-profile.js";

const graph = buildModel("reactnet-nano", { classes: 4, input: [3, 16, 16], form: "real" });
const { logits } = graph.outputs;
const bytes = toOnnx({ ...graph, outputs: { logits } }, { tensors: randomWeights(graph, 1) });
const model = { name: "nano.onnx", bytes };

it("counts the multiply-accumulates of a foreign file from the shapes that it runs with", async () => {
  const { macs } = summarize(graph);
  expect(await macsOf(model, 1)).toBe(macs);
  expect(await macsOf(model, 3)).toBe(3 * macs);
});

it("counts grouped convolutions and matrix products", async () => {
  const b = new GraphBuilder("grouped");
  const init = { kind: "constant", value: 1 } as const;
  const spec = (shape: number[]) => ({ shape, kind: "parameter", role: "other", init }) as const;
  const x = b.input("x", [1, 8, 6, 6]);
  const y = b.op("conv", [x, b.tensor("w", spec([12, 2, 3, 3]))], {
    ...{ stride: [2, 2], padding: [1, 1], groups: 4 },
  });
  b.output("y", y);
  const tensors = { w: { shape: [12, 2, 3, 3], data: new Float32Array(216).fill(1) } };
  const grouped = { name: "grouped.onnx", bytes: toOnnx(b.build(), { tensors }) };
  expect(await macsOf(grouped, 1)).toBe(3 * 3 * 12 * 2 * 9);
  const call = (op: string, inputs: number[][], outputs: number[][]) =>
    macsOfCall({ op, ms: 0, inputs, outputs });
  expect(call("Gemm", [[2, 64], [64, 10], [10]], [[2, 10]])).toBe(2 * 64 * 10);
  expect(
    call(
      "MatMul",
      [
        [4, 5, 6],
        [6, 7],
      ],
      [[4, 5, 7]],
    ),
  ).toBe(4 * 5 * 6 * 7);
  expect(
    call(
      "ConvTranspose",
      [
        [1, 8, 4, 4],
        [8, 3, 2, 2],
      ],
      [[1, 3, 8, 8]],
    ),
  ).toBe(128 * 12);
  expect(call("Relu", [[1, 8]], [[1, 8]])).toBe(0);
});

it("gives the shares of the ops, which add up to 1, largest first", async () => {
  const shares = await opShares(model, 1);
  expect(shares.reduce((sum, { share }) => sum + share, 0)).toBeCloseTo(1, 9);
  expect(shares.map(({ share }) => share)).toEqual(
    shares.map(({ share }) => share).sort((a, b) => b - a),
  );
  expect(shares.map(({ op }) => op).join()).toMatch(/Conv/);
});

it("takes kernel times only from a profile", () => {
  const event = (cat: string, name: string) => ({
    ...{ cat, name, dur: 1500 },
    args: { op_name: "Conv", input_type_shape: [{ float: [1, 2] }], output_type_shape: [] },
  });
  expect(
    parseProfile([
      event("Session", "model_run"),
      event("Node", "a_fence_before"),
      event("Node", "a_kernel_time"),
      { cat: "Node", name: "b_kernel_time", dur: 1 },
    ]),
  ).toEqual([{ op: "Conv", ms: 1.5, inputs: [[1, 2]], outputs: [] }]);
});

it("names the file that is no ONNX model", async () => {
  const broken = { name: "broken.onnx", bytes: Uint8Array.of(1, 2, 3) };
  await expect(macsOf(broken, 1)).rejects.toThrow(/broken\.onnx: ONNX Runtime cannot load it/);
});
