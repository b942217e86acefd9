import type { MicroOp, PoolStep, Program, ProgramTensors, Step } from "../program/types.js";
import { randomStream } from "./draw.js";
import { bitTensor, floatTensor, value } from "./packed-step.js";

/** Of 2x2 pixels. */
export const POOL: Omit<PoolStep, "input" | "epilogue"> = {
  ...{ kind: "pool", mode: "average", kernel: [2, 2], stride: [2, 2], padding: [0, 0] },
  covers: [],
};

export interface PooledCase {
  readonly height: number;
  readonly width: number;
  /** Of the two slices of the map that is averaged. */
  readonly first: number;
  readonly second: number;
}

/** A pointwise step and a convolution write a map side by side; a third step reads its means. */
export function pooledProgram({ height, width, first, second }: PooledCase, seed: number) {
  const random = randomStream(seed);
  const floats = (length: number) => Float32Array.from({ length }, () => 4 * random() - 2);
  const both = first + second;
  const [half, quarter] = [height / 2, width / 2];
  const program: Program = {
    values: [
      value("x", "map", [height, width, first]),
      value("signs", "bits", [height, width, first]),
      value("wide", "map", [height, width, both]),
      value("means", "map", [half, quarter, both]),
      value("y", "map", [half, quarter, both]),
      value("vector", "vector", [1, 1, second]),
    ],
    input: 0,
    steps: [
      pointwise(0, [
        ["bits", 0, "zeros", 1, 0, -1],
        ["prelu", 0, "s"],
        ["store", 2, 2, 0],
      ]),
      {
        ...{ kind: "binary-conv", weight: "w", out: second, kernel: [3, 3], stride: [1, 1] },
        ...{ padding: [1, 1], groups: 1, padValue: 0, covers: [], input: 1 },
        epilogue: [
          ["scale", 0, "t"],
          ["store", 1, 2, first],
          ["mean", 1, 5, 0],
        ],
      },
      { ...POOL, input: 2, epilogue: [["store", 0, 3, 0]] },
      pointwise(3, [
        ["load", 3],
        ["add", 0, 1],
        ["store", 2, 4, 0],
      ]),
    ],
    outputs: { y: 4, vector: 5 },
  };
  const signs = Array.from(floats(second * 9 * first), (x) => Math.sign(x) || 1);
  const tensors: ProgramTensors = {
    ...{ zeros: floatTensor(new Float32Array(first)), s: floatTensor(floats(first)) },
    ...{ t: floatTensor(floats(second)), w: bitTensor(signs, second) },
  };
  return { program, tensors, image: floats(height * width * first) };
}

export function pointwise(input: number, epilogue: readonly MicroOp[]): Step {
  return { kind: "pointwise", covers: [], input, epilogue };
}
