import { Random } from "../conformance/random.js";
import type { Program, ProgramTensors } from "../program/types.js";
import { bitTensor, floatTensor, type Shape, value } from "./packed-step.js";

export interface RepeatedLoads {
  /** Of the values that repeat. */
  readonly shape: Shape;
  /** How often they do. */
  readonly times: number;
  readonly kernel: 1 | 3;
}

/** Rows enough for threads to share, few rows with many channels, ranges that begin and end within. */
export const REPEATED_LOADS: readonly RepeatedLoads[] = [
  { shape: [26, 15, 32], times: 2, kernel: 1 },
  { shape: [28, 3, 64], times: 3, kernel: 3 },
  { shape: [7, 7, 64], times: 2, kernel: 1 },
  { shape: [5, 6, 96], times: 4, kernel: 1 },
  { shape: [2, 3, 160], times: 2, kernel: 3 },
  { shape: [1, 1, 32], times: 5, kernel: 1 },
];

/**
 * x -> copy, signs, mean -> a binary convolution to `times` the channels, (acc * s + t + copy) * mean
 * + signs, prelu -> y, its bits and means -> (y + copy) mixed with its bits and the signs.
 */
export function repeatedLoads({ shape, times, kernel }: RepeatedLoads, seed: number) {
  const [height, width, channels] = shape;
  const wide: Shape = [height, width, times * channels];
  const padding = (kernel - 1) / 2;
  const random = new Random(seed);
  const floats = (count: number) =>
    Float32Array.from({ length: count }, () => 2 * random.number() - 1);
  const program: Program = {
    values: [
      value("x", "map", shape),
      value("copy", "map", shape),
      value("signs", "bits", shape),
      value("mean", "vector", [1, 1, channels]),
      value("y", "map", wide),
      value("bits", "bits", wide),
      value("means", "vector", [1, 1, wide[2]]),
      value("z", "map", wide),
    ],
    input: 0,
    steps: [
      {
        ...{ kind: "pointwise", covers: [], input: 0 },
        epilogue: [
          ["store", 0, 1, 0],
          ["bits", 0, "zeros", 2, 0, -1],
          ["mean", 0, 3, 0],
        ],
      },
      {
        ...{ kind: "binary-conv", covers: [], input: 2, weight: "w", out: wide[2] },
        ...{ kernel: [kernel, kernel], stride: [1, 1], padding: [padding, padding] },
        ...{ groups: 1, padValue: 0 },
        epilogue: [
          ["affine", 0, "s", "t"],
          ["load", 1],
          ["add", 1, 2],
          ["load", 3],
          ["mul", 3, 4],
          ["load", 2],
          ["add", 5, 6],
          ["prelu", 7, "s"],
          ["store", 8, 4, 0],
          ["bits", 8, "t", 5, 0, -1],
          ["mean", 8, 6, 0],
        ],
      },
      {
        ...{ kind: "pointwise", covers: [], input: 4 },
        epilogue: [
          ["load", 1],
          ["add", 0, 1],
          ["load", 5],
          ["mix", 2, 3, "s"],
          ["load", 2],
          ["mix", 5, 4, "t"],
          ["store", 6, 7, 0],
        ],
      },
    ],
    outputs: { means: 6, z: 7 },
  };
  const signs = Array.from(floats(wide[2] * kernel * kernel * channels), Math.sign);
  const tensors: ProgramTensors = {
    zeros: floatTensor(new Float32Array(channels)),
    s: floatTensor(floats(wide[2])),
    t: floatTensor(floats(wide[2])),
    w: bitTensor(signs, wide[2]),
  };
  return { program, tensors, image: floats(height * width * channels) };
}
