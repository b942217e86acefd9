import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Random } from "../conformance/random.js";
import { checkProgram } from "../program/check.js";
import { operandsOf } from "../program/micro-ops.js";
import type { BinaryConvStep, MicroOp, Program, ProgramTensors, Step } from "../program/types.js";
import { runValues } from "../runtime/backends/reference/program.js";
import { bitTensor, expectSameFloats, floatTensor, value } from "../test-support/packed-step.js";
import { mergeSiblings } from "./merge-siblings.js";

const [X, SIGNS, OTHER, VECTOR, Y, BITS, MEANS] = [0, 1, 2, 3, 4, 5, 6];

interface Family {
  readonly channels: number;
  /** Output channels of each sibling. */
  readonly outs: readonly number[];
  readonly kernel?: 1 | 3;
  /** Values that each sibling adds. */
  readonly loads?: readonly number[];
}

type Floats = (count: number) => Float32Array;

/**
 * x -> signs, signs, mean -> siblings: shift, + loads, prelu, stored, compared and averaged in
 * slices. Tensors are named as pack names those of several parts.
 */
function family({ channels, outs, kernel = 1, loads = [] }: Family, floats: Floats) {
  const total = outs.reduce((sum, out) => sum + out, 0);
  const tensors: { [key: string]: ProgramTensors[string] } = {
    "signs.threshold": floatTensor(new Float32Array(channels)),
  };
  const steps: Step[] = [
    {
      ...{ kind: "pointwise", covers: ["signs"], input: X },
      epilogue: [
        ["bits", 0, "signs.threshold", SIGNS, 0, -1],
        ["bits", 0, "signs.threshold", OTHER, 0, 1],
        ["mean", 0, VECTOR, 0],
      ],
    },
  ];
  let offset = 0;
  outs.forEach((out, i) => {
    const vector = (name: string) => {
      const key = i === 0 ? `y.${name}` : `y.${name}.${i}`;
      tensors[key] = floatTensor(floats(out));
      return key;
    };
    const weight = `conv${i}.weight`;
    const signs = floats(out * kernel * kernel * channels).map((w) => (w > 0 ? 1 : -1));
    tensors[weight] = bitTensor(signs, out);
    const epilogue: MicroOp[] = [["shift", 0, vector("shift")]];
    for (const id of loads) {
      epilogue.push(["load", id], ["add", epilogue.length, epilogue.length + 1]);
    }
    epilogue.push(["prelu", epilogue.length, vector("slope")]);
    const r = epilogue.length;
    epilogue.push(["store", r, Y, offset], ["mean", r, MEANS, offset]);
    epilogue.push(["bits", r, vector("threshold"), BITS, offset, 1]);
    const side = (kernel - 1) / 2;
    steps.push({
      ...{ kind: "binary-conv", covers: [`conv${i}`], input: SIGNS, weight, out, epilogue },
      ...{ kernel: [kernel, kernel], stride: [1, 1], padding: [side, side] },
      ...{ groups: 1, padValue: 0 },
    });
    offset += out;
  });
  const program: Program = {
    values: [
      value("x", "map", [3, 2, channels]),
      value("signs", "bits", [3, 2, channels]),
      value("other", "bits", [3, 2, channels]),
      value("vector", "vector", [1, 1, channels]),
      value("y", "map", [3, 2, total]),
      value("bits", "bits", [3, 2, total]),
      value("means", "vector", [1, 1, total]),
    ],
    input: X,
    steps,
    outputs: { y: Y, means: MEANS },
  };
  return { program, tensors };
}

function floatsOf(seed: number): Floats {
  const random = new Random(seed);
  return (count) => Float32Array.from({ length: count }, () => 4 * random.number() - 2);
}

type Packed = ReturnType<typeof family>;

function expectSameValues(actual: ReturnType<typeof mergeSiblings>, expected: Packed): void {
  const image = floatsOf(99)(3 * 2 * expected.program.values[X].shape[2]);
  const wanted = runValues(expected.program, expected.tensors, image);
  const values = runValues(actual.program, actual.tensors, image);
  wanted.forEach((each, id) => {
    const { name } = expected.program.values[id];
    expectSameFloats(Float32Array.from(values[id]), Float32Array.from(each), name);
  });
}

function expectUsed({ program, tensors }: ReturnType<typeof mergeSiblings>): void {
  const used = program.steps.flatMap((step) => [
    ...("weight" in step ? [step.weight] : []),
    ...step.epilogue.flatMap((op) => operandsOf<string>(op, "tensor")),
  ]);
  expect(Object.keys(tensors).sort()).toEqual([...new Set(used)].sort());
}

const bytesOf = (tensors: ProgramTensors) =>
  Object.values(tensors).reduce((sum, { data }) => sum + data.byteLength, 0);

describe("siblings", () => {
  const families = fc.record({
    channels: fc.constantFrom(32, 64),
    count: fc.integer({ min: 2, max: 4 }),
    kernel: fc.constantFrom(1 as const, 3 as const),
    loads: fc.array(fc.constantFrom(X, OTHER, VECTOR), { maxLength: 3 }),
    seed: fc.nat(),
  });

  it("become one step that computes the same bits", () => {
    fc.assert(
      fc.property(families, ({ channels, count, kernel, loads, seed }) => {
        const outs = Array.from({ length: count }, () => channels);
        const given = family({ channels, outs, kernel, loads }, floatsOf(seed));
        checkProgram(given.program, given.tensors);
        const merged = mergeSiblings(given);
        checkProgram(merged.program, merged.tensors);
        expect(merged.program.steps).toHaveLength(2);
        const [, step] = merged.program.steps;
        expect(step).toMatchObject({ out: count * channels, weight: "conv0.weight" });
        expect(step.covers).toEqual(outs.map((_, i) => `conv${i}`));
        expectSameValues(merged, given);
        expectUsed(merged);
        expect(bytesOf(merged.tensors)).toBe(bytesOf(given.tensors));
      }),
      { numRuns: 40 },
    );
  });

  it("may have any number of channels where they load nothing", () => {
    const given = family({ channels: 5, outs: [3, 7, 2] }, floatsOf(1));
    const merged = mergeSiblings(given);
    expect(merged.program.steps).toHaveLength(2);
    expectSameValues(merged, given);
  });

  it("share equal vectors with the rest of the program", () => {
    const given = family({ channels: 32, outs: [32, 32] }, (count) =>
      new Float32Array(count).fill(1),
    );
    const { tensors, program } = mergeSiblings(given);
    expect(Object.keys(tensors)).toEqual(["signs.threshold", "y.shift", "conv0.weight"]);
    checkProgram(program, tensors);
  });

  it("leave a program without any as it is", () => {
    const given = family({ channels: 5, outs: [3] }, floatsOf(1));
    expect(mergeSiblings(given)).toEqual(given);
  });

  const pair = { channels: 32, outs: [32, 32], loads: [X] };
  const changed = (change: (step: BinaryConvStep) => Partial<BinaryConvStep>) => {
    const given = family(pair, floatsOf(1));
    const [signs, first, second] = given.program.steps;
    const other = { ...second, ...change(second as BinaryConvStep) } as Step;
    return { ...given, program: { ...given.program, steps: [signs, first, other] } };
  };
  const withOp = (index: number, op: MicroOp) => (step: BinaryConvStep) => ({
    epilogue: step.epilogue.map((old, i) => (i === index ? op : old)),
  });

  it.each<[string, Packed]>([
    ["other bits", changed(() => ({ input: OTHER }))],
    ["another kernel", changed(() => ({ kernel: [1, 2] }))],
    ["another stride", changed(() => ({ stride: [1, 2] }))],
    ["another padding", changed(() => ({ padding: [0, 1] }))],
    ["another value of padding", changed(() => ({ padValue: 1 }))],
    ["groups", changed(() => ({ groups: 2 }))],
    ["another micro-op", changed(withOp(0, ["scale", 0, "y.shift.1"]))],
    ["another load", changed(withOp(1, ["load", VECTOR]))],
    ["another register", changed(withOp(2, ["add", 0, 2]))],
    ["another sign of zero", changed(withOp(6, ["bits", 4, "y.threshold.1", BITS, 32, -1]))],
    ["channels elsewhere", changed(withOp(4, ["store", 4, Y, 0]))],
    ["a shorter epilogue", changed(({ epilogue }) => ({ epilogue: epilogue.slice(0, -1) }))],
    [
      "a load that could not repeat",
      family({ channels: 48, outs: [48, 48], loads: [X] }, floatsOf(1)),
    ],
  ])("stay apart: %s", (_, given) => {
    expect(mergeSiblings(given)).toEqual(given);
  });
});
