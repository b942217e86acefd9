import { GraphBuilder, sizeOf, type Tensor } from "onebit/graph";
import { toOnnx } from "onebit/onnx";
import type { OnnxModel } from "./peers/peer.js";

/** A convolution without anything around it: its geometry. */
export interface ConvShape {
  readonly inputs: number;
  readonly outputs: number;
  /** Height and width of the input. */
  readonly size: readonly [number, number];
  readonly kernel: readonly [number, number];
  readonly stride: readonly [number, number];
  readonly padding: readonly [number, number];
  readonly groups: number;
}

/** What a peer's rate is compared with: the middle of a ResNet. */
export const bareShape: ConvShape = {
  ...{ inputs: 256, outputs: 256, size: [14, 14], groups: 1 },
  ...{ kernel: [3, 3], stride: [1, 1], padding: [1, 1] },
};

/** "3x3 256 to 256, 14x14", with stride and groups where there are any. */
export function shapeName({ inputs, outputs, size, kernel, stride, groups }: ConvShape): string {
  const strided = stride[0] > 1 ? ` stride ${stride[0]}` : "";
  const grouped = groups > 1 ? ` groups ${groups}` : "";
  return `${kernel.join("x")} ${inputs} to ${outputs}, ${size.join("x")}${strided}${grouped}`;
}

/** [height, width] of the output. */
export function outputSize({ size, kernel, stride, padding }: ConvShape): [number, number] {
  const along = (axis: 0 | 1) =>
    Math.floor((size[axis] + 2 * padding[axis] - kernel[axis]) / stride[axis]) + 1;
  return [along(0), along(1)];
}

/** Multiply-accumulates for one image. */
export function convMacs(shape: ConvShape): number {
  const { inputs, outputs, kernel, groups } = shape;
  const [height, width] = outputSize(shape);
  return (height * width * outputs * kernel[0] * kernel[1] * inputs) / groups;
}

/** The float convolution alone, weights as initialisers, for one image. */
export function bareConvolution(shape: ConvShape): OnnxModel {
  const { inputs, outputs, size, kernel, stride, padding, groups } = shape;
  const b = new GraphBuilder("convolution");
  const shapeOfW = [outputs, inputs / groups, ...kernel];
  const init = { kind: "constant", value: 0 } as const;
  const x = b.input("x", [1, inputs, ...size]);
  const w = b.tensor("w", { shape: shapeOfW, kind: "parameter", role: "other", init });
  b.output("y", b.op("conv", [x, w], { stride, padding, groups }));
  const tensors = { w: noise(shapeOfW) };
  return { name: shapeName(shape), bytes: toOnnx(b.build(), { tensors }) };
}

function noise(shape: readonly number[]): Tensor {
  const length = sizeOf(shape);
  return { shape, data: Float32Array.from({ length }, (_, i) => Math.sin(78.233 * (i + 1))) };
}
