import {
  packedRowBytes,
  paddingEnd,
  reductionLength,
  span,
  windowCounts,
} from "../../../program/geometry.js";
import type { BinaryConvStep, Program, ProgramTensors } from "../../../program/types.js";
import type { ShapeClass } from "./measured-kernels.js";

/** Outputs of several tiles, some of the groups, and rows for so many products: 20 to 40 microseconds. */
const OUTPUTS = 128;
const GROUPS = 8;
const PRODUCTS = 4e6;
const MAX_ROWS = 64;

/** Multiply-adds of a piece. */
export function pieceProducts(shape: ShapeClass): number {
  const { out, columns, rows } = pieceSize(shape);
  return rows * columns * out * reductionLength(shape.step, shape.input[2]);
}

function pieceSize({ step, input: [, width, channels] }: ShapeClass) {
  const groups = Math.min(step.groups, GROUPS);
  const out = groups * Math.min(step.out / step.groups, OUTPUTS);
  const [, columns] = windowCounts([0, width], step);
  const perRow = columns * out * reductionLength(step, channels);
  const rows = Math.min(Math.ceil(PRODUCTS / perRow), MAX_ROWS);
  return { groups, out, columns, rows };
}

/** A piece of a layer, as wide: signs, their sums. What the signs and weights are changes no time. */
export function pieceProgram(shape: ShapeClass): { program: Program; tensors: ProgramTensors } {
  const { step } = shape;
  const [, width, channels] = shape.input;
  const groupIn = channels / step.groups;
  const { groups, out, columns, rows } = pieceSize(shape);
  const height = (rows - 1) * step.stride[0] + span(step, 0);
  const input = [height, width, groups * groupIn] as const;
  const conv: BinaryConvStep = {
    ...step,
    ...{ input: 1, weight: "weight", groups, out },
    padding: [0, step.padding[1]],
    paddingEnd: [0, paddingEnd(step)[1]],
    epilogue: [["store", 0, 2, 0]],
  };
  const row = packedRowBytes(conv, input[2]);
  return {
    program: {
      values: [
        { name: "image", kind: "map", shape: input },
        { name: "signs", kind: "bits", shape: input },
        { name: "sums", kind: "map", shape: [rows, columns, out] },
      ],
      input: 0,
      steps: [
        { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "zeros", 1, 0, 1]] },
        conv,
      ],
      outputs: { sums: 2 },
    },
    tensors: {
      zeros: { type: "float32", shape: [input[2]], data: new Float32Array(input[2]) },
      weight: { type: "bits", shape: [out, row], data: new Uint8Array(out * row) },
    },
  };
}
