import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import { runConformance } from "../../core/src/conformance/run.js";
import {
  bitTensor,
  expectSameFloats,
  floatTensor,
  singleBitStep,
  singleStep,
} from "../../core/src/test-support/packed-step.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();
const names = isas.length > 0 ? isas : ["none"];

interface Shape {
  readonly size: readonly [height: number, width: number];
  readonly channels: number;
  readonly out: number;
  readonly kernel: number;
  readonly stride: number;
  readonly groups: number;
}

const shape = (
  size: readonly [number, number],
  channels: number,
  out: number,
  kernel: number,
  stride = 1,
  groups = 1,
): Shape => ({ size, channels, out, kernel, stride, groups });

/** Rows longer than a segment and than a tile, tails of channels, blocks and words of every kind. */
const shapes: readonly Shape[] = [
  shape([14, 14], 256, 64, 3),
  shape([7, 7], 512, 48, 3),
  shape([5, 57], 64, 40, 3),
  shape([4, 30], 96, 33, 1),
  shape([6, 71], 33, 17, 5),
  shape([9, 29], 100, 16, 3, 2),
  shape([3, 113], 32, 32, 3),
  shape([11, 16], 1024, 31, 1),
  shape([8, 45], 128, 70, 3, 2),
  shape([1, 19], 2100, 20, 3),
  shape([13, 17], 60, 45, 3, 1, 5),
  shape([12, 34], 128, 64, 3, 2, 2),
];

function programOf({ size, channels, out, kernel, stride, groups }: Shape, binary: boolean) {
  const padding = (kernel - 1) >> 1;
  const to = (n: number) => Math.floor((n + 2 * padding - kernel) / stride) + 1;
  const window = {
    out,
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: [padding, padding],
    groups,
    weight: "w",
  } as const;
  const [input, output] = [
    [...size, channels],
    [to(size[0]), to(size[1]), out],
  ] as [readonly [number, number, number], readonly [number, number, number]];
  return binary
    ? singleBitStep({ kind: "binary-conv", ...window, padValue: 0 }, input, output)
    : singleStep({ kind: "conv", ...window }, input, output);
}

async function caseOf(one: Shape, binary: boolean) {
  const random = new Random(one.channels * 7 + one.kernel);
  const draw = () => random.number() - 0.5;
  const dims = [one.out, one.kernel, one.kernel, one.channels / one.groups];
  const weights = Float32Array.from({ length: dims.reduce((a, b) => a * b, 1) }, draw);
  const program = programOf(one, binary);
  const tensors = {
    zeros: floatTensor(new Float32Array(one.channels)),
    w: binary ? bitTensor(weights, one.out) : floatTensor(weights, dims),
  };
  const image = Float32Array.from({ length: one.size[0] * one.size[1] * one.channels }, draw);
  const executable = await reference.compile(program, tensors, { threads: 1 });
  return { program, tensors, image, expected: (await executable.run(image, 1)).y };
}

const cases =
  isas.length === 0
    ? []
    : [true, false].flatMap((binary) => shapes.map((one) => [one, binary] as const));
const known = new Map<string, ReturnType<typeof caseOf>>();

/** The reference is slow: each case once, for all instruction sets. */
function knownCase(one: Shape, binary: boolean): ReturnType<typeof caseOf> {
  const label = JSON.stringify([one, binary]);
  const found = known.get(label) ?? caseOf(one, binary);
  known.set(label, found);
  return found;
}

describe.runIf(isas.length > 0).each(names)("convolutions on %s", (isa) => {
  it("of many shapes give the bits of the reference", async () => {
    for (const [one, binary] of cases) {
      const { program, tensors, image, expected } = await knownCase(one, binary);
      for (const apart of [false, true]) {
        for (const threads of [1, 2]) {
          const executable = await nativeWith({ isa, apart }).compile(program, tensors, {
            threads,
          });
          const { y } = await executable.run(image, 1);
          executable.dispose();
          expectSameFloats(
            y,
            expected,
            `${JSON.stringify({ ...one, binary })}, ${threads} threads`,
          );
        }
      }
    }
  });

  it("pass the conformance suite", async () => {
    const subjects = [1, 2].flatMap((threads) =>
      [false, true].map((apart) => ({ backend: nativeWith({ isa, apart }), threads })),
    );
    const report = await runConformance({ subjects, convolutions: 1000, networks: 50, faults: 0 });
    expect(report.failures).toEqual([]);
  });
});
