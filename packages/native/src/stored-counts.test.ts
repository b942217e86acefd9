import type { Program } from "onebit/program";
import { reference } from "onebit/reference";
import { describe, expect, it } from "vitest";
import { Random } from "../../core/src/conformance/random.js";
import {
  bitTensor,
  expectSameFloats,
  floatTensor,
  value,
} from "../../core/src/test-support/packed-step.js";
import { nativeWith } from "./index.js";
import { isasUnderTest } from "./test-support/isas.js";

const isas = isasUnderTest();
const [SIDE, INPUTS, OUTS] = [6, 64, 32];

/**
 * A binary convolution whose map only an element-wise step reads: its integers are stored instead, and
 * the reader does the arithmetic. The second output is written from the register of the first store.
 */
const program: Program = {
  values: [
    value("x", "map", [SIDE, SIDE, INPUTS]),
    value("signs", "bits", [SIDE, SIDE, INPUTS]),
    value("map", "map", [SIDE, SIDE, OUTS]),
    value("again", "map", [SIDE, SIDE, OUTS]),
    value("sums", "map", [SIDE, SIDE, OUTS]),
    value("read", "map", [SIDE, SIDE, OUTS]),
  ],
  input: 0,
  steps: [
    { kind: "pointwise", covers: [], input: 0, epilogue: [["bits", 0, "zeros", 1, 0, -1]] },
    {
      ...{ kind: "binary-conv", weight: "w", out: OUTS, groups: 1, padValue: 0 },
      ...{ kernel: [1, 1], stride: [1, 1], padding: [0, 0], covers: [], input: 1 },
      epilogue: [
        ["relu", 0],
        ["store", 1, 2, 0],
        ["store", 2, 3, 0],
        ["add", 0, 2],
        ["store", 4, 4, 0],
      ],
    },
    {
      ...{ kind: "pointwise", covers: [], input: 2 },
      epilogue: [
        ["shift", 0, "t"],
        ["store", 1, 5, 0],
      ],
    },
  ],
  outputs: { again: 3, sums: 4, read: 5 },
};

describe.runIf(isas.length > 0)("a convolution whose integers are stored", () => {
  it("still writes other maps from what it would have stored", async () => {
    const random = new Random(5);
    const floats = (n: number) => Float32Array.from({ length: n }, () => random.number() - 0.5);
    const tensors = {
      zeros: floatTensor(new Float32Array(INPUTS)),
      t: floatTensor(floats(OUTS)),
      w: bitTensor(floats(OUTS * INPUTS), OUTS),
    };
    const image = floats(SIDE * SIDE * INPUTS);
    const compiled = await reference.compile(program, tensors, { threads: 1 });
    const expected = await compiled.run(image, 1);
    expect(expected.again.some((x) => x > 0) && expected.sums.some((x) => x < 0)).toBe(true);
    for (const isa of isas) {
      for (const apart of [false, true]) {
        const backend = nativeWith({ isa, apart });
        const executable = await backend.compile(program, tensors, { threads: 1 });
        const actual = await executable.run(image, 1);
        executable.dispose();
        for (const name of Object.keys(program.outputs)) {
          expectSameFloats(actual[name], expected[name], `${isa}, apart ${apart}, ${name}`);
        }
      }
    }
  });
});
