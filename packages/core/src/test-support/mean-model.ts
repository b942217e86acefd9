import { writeOnebit } from "../file/index.js";
import type { Program } from "../program/types.js";

/** A network whose logits are the means of an image's channels: what it says is known beforehand. */
export function meanProgram(height: number, width: number, channels = 3): Program {
  return {
    values: [
      { name: "x", kind: "map", shape: [height, width, channels] },
      { name: "logits", kind: "vector", shape: [1, 1, channels] },
    ],
    input: 0,
    steps: [{ kind: "pointwise", covers: [], input: 0, epilogue: [["mean", 0, 1, 0]] }],
    outputs: { logits: 1 },
  };
}

/** Its file: pixels 0 to 255 become 0 to 1. others: outputs besides the logits. */
export function meanModel(
  height = 2,
  width = 3,
  others: Program["outputs"] = {},
): Promise<Uint8Array> {
  const preprocess = {
    ...{ size: [height, width] as [number, number], channels: 3 as const, crop: "none" as const },
    ...{ interpolation: "bilinear" as const, mean: [0, 0, 0], std: [1, 1, 1] },
  };
  const program = meanProgram(height, width);
  const outputs = { ...program.outputs, ...others };
  return writeOnebit({ program: { ...program, outputs }, tensors: {}, preprocess });
}
