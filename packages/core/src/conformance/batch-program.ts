import type { Program, ProgramTensors, Step } from "../program/types.js";
import { type ConvolutionBatch, outputOf } from "./convolution.js";
import { Random } from "./random.js";

/** Name of the output that holds the accumulators of convolution i. */
export const accumulatorOutput = (i: number) => `acc${i}`;

/** One program: the input's signs, and each convolution's accumulators as an output. */
export function batchProgram({ input, convolutions }: ConvolutionBatch): {
  program: Program;
  tensors: ProgramTensors;
} {
  const outputs = convolutions.map((conv, i) => {
    return { name: accumulatorOutput(i), kind: "map", shape: outputOf(conv) } as const;
  });
  const convs = convolutions.map(({ input: _, weights: __, ...geometry }, i): Step => {
    const reads = {
      kind: "binary-conv",
      covers: [`conv ${i}`],
      input: 1,
      weight: `w${i}`,
    } as const;
    return { ...reads, ...geometry, epilogue: [["store", 0, 2 + i, 0]] };
  });
  const signs: Step = {
    kind: "pointwise",
    covers: ["signs"],
    input: 0,
    epilogue: [["bits", 0, "zeros", 1, 0, -1]],
  };
  const program: Program = {
    values: [
      { name: "x", kind: "map", shape: input },
      { name: "signs", kind: "bits", shape: input },
      ...outputs,
    ],
    input: 0,
    steps: [signs, ...convs],
    outputs: Object.fromEntries(outputs.map(({ name }, i) => [name, 2 + i])),
  };
  const weights = convolutions.map(({ weights, out }, i) => [`w${i}`, packRows(weights, out)]);
  const zeros = { type: "float32", shape: [input[2]], data: new Float32Array(input[2]) } as const;
  return { program, tensors: { zeros, ...Object.fromEntries(weights) } };
}

/** Rows of ±1 as canonical bits: +1 is 1, least significant bit first, rows filled up to bytes. */
function packRows(signs: Int8Array, rows: number): ProgramTensors[string] {
  const length = signs.length / rows;
  const rowBytes = Math.ceil(length / 8);
  const data = new Uint8Array(rows * rowBytes);
  for (let row = 0; row < rows; row++) {
    for (let bit = 0; bit < length; bit++) {
      if (signs[row * length + bit] > 0) data[row * rowBytes + (bit >> 3)] |= 1 << (bit & 7);
    }
  }
  return { type: "bits", shape: [rows, rowBytes], data };
}

/** Numbers with these signs, [N, H, W, C]; -1 is sometimes a zero, which is not above zero. */
export function imagesOf({ images }: ConvolutionBatch, seed: number): Float32Array {
  const random = new Random(seed);
  const size = images[0].length;
  const data = new Float32Array(images.length * size);
  images.forEach((signs, n) => {
    for (let i = 0; i < size; i++) {
      const magnitude = 3 * random.number() + 2 ** -20;
      data[n * size + i] = signs[i] < 0 && magnitude < 0.3 ? 0 : signs[i] * magnitude;
    }
  });
  return data;
}
