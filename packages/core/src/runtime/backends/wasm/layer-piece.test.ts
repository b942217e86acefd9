import { expect, it } from "vitest";
import { checkProgram } from "../../../program/check.js";
import { elementCount, outputShape, reductionLength } from "../../../program/geometry.js";
import type { BinaryConvStep } from "../../../program/types.js";
import { pieceProgram } from "./layer-piece.js";

type Geometry = [
  size: number,
  channels: number,
  out: number,
  kernel: number,
  stride: number,
  groups: number,
];

const layer = ([, , out, kernel, stride, groups]: Geometry): BinaryConvStep => ({
  ...{ kind: "binary-conv", covers: [], input: 3, weight: "w", epilogue: [] },
  ...{
    out,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [kernel >> 1, kernel >> 1],
  },
  ...{ groups, padValue: -1 },
});

it.each<Geometry>([
  [112, 32, 32, 1, 1, 1],
  [56, 128, 128, 3, 2, 1],
  [7, 1024, 1024, 3, 1, 1],
  [14, 512, 512, 3, 1, 512],
  [1, 43, 10, 1, 1, 1],
  [2, 9000, 7, 5, 1, 1],
])("is a sound program, short whatever the layer: %j", (...geometry: Geometry) => {
  const [size, channels] = geometry;
  const step = layer(geometry);
  const { program, tensors } = pieceProgram({ step, input: [size, size, channels] });
  checkProgram(program, tensors);
  const piece = program.steps[1] as BinaryConvStep;
  const sums = outputShape(program, piece);
  expect(sums[1]).toBe(
    Math.floor((size + 2 * step.padding[1] - step.kernel[1]) / step.stride[1]) + 1,
  );
  const products = reductionLength(piece, program.values[1].shape[2]);
  expect(products).toBe(reductionLength(step, channels));
  expect(elementCount(sums) * products).toBeLessThan(2e7);
});
