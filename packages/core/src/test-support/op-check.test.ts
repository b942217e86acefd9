import { afterEach, expect, test, vi } from "vitest";
import { mul } from "../ops/mul.js";
import { expectClose } from "./close.js";
import { centralDifferences } from "./finite-differences.js";
import { checkOp } from "./op-check.js";
import { forwardGraph } from "./op-graphs.js";

const check = {
  op: "mul",
  inputs: [
    [2, 3],
    [2, 3],
  ],
  differentiable: [0, 1],
};

afterEach(() => {
  vi.restoreAllMocks();
});

test("a sound op passes", async () => {
  await checkOp(check);
});

test("a wrong value is caught", async () => {
  vi.spyOn(mul, "evaluate").mockImplementation(([a]) => [a]);
  await expect(checkOp(check)).rejects.toThrow("mul: y0 lowered for portable");
});

test("a wrong shape is caught", async () => {
  vi.spyOn(mul, "evaluate").mockImplementation(([a]) => [{ shape: [6], data: a.data }]);
  await expect(checkOp(check)).rejects.toThrow("evaluated output 0: has shape [6], [2,3] expected");
});

test("a lowering that is wrong for one target only is caught", async () => {
  vi.spyOn(mul, "lower").mockImplementation((l) => [
    l.emit(l.target === "cpu" ? "Add" : "Mul", l.inputs),
  ]);
  await expect(checkOp(check)).rejects.toThrow("mul: y0 lowered for cpu");
});

test("an op type without a WebGPU kernel is caught", async () => {
  vi.spyOn(mul, "lower").mockImplementation((l) => [l.emit("Sign", l.inputs)]);
  await expect(checkOp(check)).rejects.toThrow("WebGPU has no kernel for Sign");
});

test("a wrong gradient is caught", async () => {
  vi.spyOn(mul, "gradient").mockImplementation(({ gradOutputs: [g], needs }) =>
    needs.map((need) => (need ? g : undefined)),
  );
  await expect(checkOp(check)).rejects.toThrow("gradient of input 0 against finite differences");
});

test("a gradient that nobody asked for is caught", async () => {
  vi.spyOn(mul, "gradient").mockImplementation(({ gradOutputs: [g] }) => [g, g]);
  await expect(checkOp(check)).rejects.toThrow("built a gradient of input 1, not asked for");
});

test("central differences of a product", () => {
  const { graph } = forwardGraph({ op: "mul", shapes: [[2], [2]], mode: "inference" });
  const x = { shape: [2], data: Float64Array.of(3, -1) };
  const y = { shape: [2], data: Float64Array.of(0.5, 4) };
  const weights = { y0: { shape: [2], data: Float64Array.of(1, 10) } };
  const options = { graph, feeds: { x0: x, x1: y }, weights, mode: "inference" as const };
  const [first, second] = centralDifferences(options, "x0", [0, 1]);
  expect(first).toBeCloseTo(0.5, 8);
  expect(second).toBeCloseTo(40, 8);
});

test("expectClose measures against the element or the typical size, and knows NaN and infinity", () => {
  expect(() => expectClose([1.0001], [1], 1e-5, "x")).toThrow("x: element 0 is 1.0001, 1 expected");
  expect(() => expectClose([1], [1, 2], 1e-5, "x")).toThrow("1 elements, 2 expected");
  expect(() => expectClose([Number.NaN], [1], 1e-5, "x")).toThrow("is NaN");
  expect(() => expectClose([1], [Number.NaN], 1e-5, "x")).toThrow("NaN expected");
  expectClose([1e-9, 1], [0, 1], 1e-5, "x");
  expectClose([Number.NaN, Infinity], [Number.NaN, Infinity], 1e-5, "x");
});
