import type {
  MicroOp,
  Program,
  ProgramTensors,
  ProgramValue,
  Step,
  ValueKind,
} from "../program/types.js";

export type Shape = readonly [height: number, width: number, channels: number];

/** A step without what the test programs below fill in. */
type Kernel = Step extends infer S
  ? S extends Step
    ? Omit<S, "covers" | "input" | "epilogue">
    : never
  : never;

export function value(name: string, kind: ValueKind, shape: Shape): ProgramValue {
  return { name, kind, shape };
}

/** input -> step -> output, nothing else. */
export function singleStep(kernel: Kernel, input: Shape, output: Shape): Program {
  return {
    values: [value("x", "map", input), value("y", "map", output)],
    input: 0,
    steps: [{ ...kernel, covers: [], input: 0, epilogue: [["store", 0, 1, 0]] } as Step],
    outputs: { y: 1 },
  };
}

/** input -> one operation on each element -> output. */
export function singleOp(op: MicroOp, shape: Shape): Program {
  const program = singleStep({ kind: "pointwise" }, shape, shape);
  const [step] = program.steps;
  return { ...program, steps: [{ ...step, epilogue: [op, ["store", 1, 1, 0]] }] };
}

/** input -> signs (above 0: +1) -> step -> output. Needs the tensor "zeros" with C zeros. */
export function singleBitStep(kernel: Kernel, input: Shape, output: Shape): Program {
  return {
    values: [value("x", "map", input), value("signs", "bits", input), value("y", "map", output)],
    input: 0,
    steps: [
      { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "zeros", 1, 0, -1]] },
      { ...kernel, covers: [], input: 1, epilogue: [["store", 0, 2, 0]] } as Step,
    ],
    outputs: { y: 2 },
  };
}

export function floatTensor(data: Float32Array, shape: readonly number[] = [data.length]) {
  return { type: "float32", shape, data } as const satisfies ProgramTensors[string];
}

/** Rows of ±1 as canonical bits: least significant first, +1 is a set bit, rows filled to bytes. */
export function bitTensor(signs: ArrayLike<number>, rows: number) {
  const length = signs.length / rows;
  const rowBytes = Math.ceil(length / 8);
  const data = new Uint8Array(rows * rowBytes);
  for (let i = 0; i < signs.length; i++) {
    const [row, bit] = [Math.floor(i / length), i % length];
    if (signs[i] > 0) data[row * rowBytes + (bit >> 3)] |= 1 << (bit & 7);
  }
  return { type: "bits", shape: [rows, rowBytes], data } as const satisfies ProgramTensors[string];
}

/** Throws unless two arrays hold the same float32 bits (any NaN is like any other). */
export function expectSameFloats(
  actual: Float32Array,
  expected: Float32Array,
  label: string,
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${label}: ${actual.length} elements, ${expected.length} expected`);
  }
  for (let i = 0; i < expected.length; i++) {
    if (Object.is(actual[i], expected[i])) continue;
    throw new Error(`${label}: element ${i} is ${actual[i]}, ${expected[i]} expected`);
  }
}
