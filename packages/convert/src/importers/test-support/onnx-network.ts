import { memoryBuffer } from "../../readers/async-buffer.js";
import { importCheckpoint } from "../import-checkpoint.js";
import { onnxModel, type TestConstants, type TestNode } from "./onnx-models.js";

export const image = Float32Array.from({ length: 27 }, (_, i) => ((i * 7) % 11) - 5);
export const shape = [1, 3, 3, 3];
export const kernel = Float32Array.from({ length: 3 * 3 * 9 }, (_, i) =>
  (i * 5) % 7 > 3 ? 1 : -1,
);
export const weights: TestConstants = { w: [[3, 3, 3, 3], kernel] };
export const padded = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] };

/** From signs "s" on: a 1-bit convolution, means, scores. */
export const rest: readonly TestNode[] = [
  { op: "Conv", inputs: ["s", "w"], out: "c", attrs: padded },
  { op: "GlobalAveragePool", inputs: ["c"], out: "p" },
  { op: "Flatten", inputs: ["p"], out: "y" },
];

export const read = (nodes: readonly TestNode[], constants: TestConstants = weights) =>
  importCheckpoint(memoryBuffer(onnxModel(["N", 3, 3, 3], nodes, constants), "net.onnx"), {
    input: [3, 3, 3],
    preprocess: { mean: [0], std: [1] },
  });

export const at0 = (zero: number) => (x: number) => Math.sign(x) || zero;
export const compare = (op: string, inputs = ["x", "t"]): TestNode => ({ op, inputs, out: "b" });
export const where: TestNode = { op: "Where", inputs: ["b", "one", "minus"], out: "s" };
export const numbers: TestConstants = {
  ...weights,
  ...{ zero: [[], [0]], one: [[], [1]], two: [[], [2]], minus: [[], [-1]], half: [[], [0.5]] },
  t: [
    [1, 3, 1, 1],
    [1, -2, 0],
  ],
};
export const t = [1, -2, 0];
