import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { randomProgram } from "../conformance/random-program.js";
import { OnebitError } from "../errors.js";
import { runValues } from "../runtime/backends/reference/program.js";
import { bitTensor, floatTensor } from "../test-support/packed-step.js";
import { checkProgram } from "./check.js";
import type { MicroOp, Program, ProgramTensors, ProgramValue, Step } from "./types.js";

/** A deep copy that may be written to. */
type Draft<T> = T extends object ? { -readonly [K in keyof T]: Draft<T[K]> } : T;

const tensors: ProgramTensors = {
  zeros: floatTensor(Float32Array.of(0, 0, 0)),
  weight: bitTensor([1, -1, 1, 1, 1, -1], 2),
  slope: floatTensor(Float32Array.of(0.5, 0.25)),
  dense: floatTensor(Float32Array.of(1, 2, 3, 4), [2, 2]),
};

/** x [2, 2, 3] -> signs -> 1x1 binary conv to 2 channels, its mean -> linear. */
const sound: Program = {
  values: [
    { name: "x", kind: "map", shape: [2, 2, 3] },
    { name: "signs", kind: "bits", shape: [2, 2, 3] },
    { name: "y", kind: "map", shape: [2, 2, 2] },
    { name: "mean", kind: "vector", shape: [1, 1, 2] },
    { name: "logits", kind: "vector", shape: [1, 1, 2] },
  ],
  input: 0,
  steps: [
    { kind: "pointwise", covers: ["sign"], input: 0, epilogue: [["bits", 0, "zeros", 1, 0, -1]] },
    {
      kind: "binary-conv",
      covers: ["conv"],
      input: 1,
      weight: "weight",
      out: 2,
      kernel: [1, 1],
      stride: [1, 1],
      padding: [0, 0],
      groups: 1,
      padValue: 0,
      epilogue: [
        ["prelu", 0, "slope"],
        ["store", 1, 2, 0],
        ["mean", 1, 3, 0],
      ],
    },
    {
      kind: "linear",
      covers: ["fc"],
      input: 3,
      weight: "dense",
      out: 2,
      epilogue: [["store", 0, 4, 0]],
    },
  ],
  outputs: { logits: 4, y: 2 },
};

function changed(change: (program: Draft<Program>) => void): Program {
  const draft = structuredClone(sound) as Draft<Program>;
  change(draft);
  return draft as Program;
}

const set = (path: (p: Draft<Program>) => object, fields: object) => (p: Draft<Program>) => {
  Object.assign(path(p), fields);
};
const conv = (p: Draft<Program>) => p.steps[1];
const grid = (fields: object) => (p: Draft<Program>) => {
  const base = { kind: "quantise", covers: [], input: 2, epilogue: [["relu", 0]] };
  p.steps.push({ ...base, bits: 8, clip: 25, group: "image", ...fields } as unknown as Draft<Step>);
};
const epilogue = (op: readonly unknown[]) => (p: Draft<Program>) => {
  p.steps[1].epilogue.push(op as Draft<MicroOp>);
};

describe("checkProgram", () => {
  it("accepts sound programs", () => {
    checkProgram(sound, tensors);
    for (let seed = 0; seed < 100; seed++) {
      const random = randomProgram(seed);
      checkProgram(random.program, random.tensors);
    }
  });

  it.each<[string, (p: Draft<Program>) => void, RegExp]>([
    ["two values of one name", set((p) => p.values[1], { name: "x" }), /"x": defined twice/],
    ["a nameless value", set((p) => p.values[1], { name: "" }), /non-empty string/],
    ["an unknown kind", set((p) => p.values[2], { kind: "table" }), /"y": unknown kind "table"/],
    [
      "an empty shape",
      set((p) => p.values[2], { shape: [2, 0, 2] }),
      /"y": shape \[2,0,2\] must be/,
    ],
    ["a vector with pixels", set((p) => p.values[3], { shape: [2, 1, 2] }), /a vector has shape/],
    [
      "an absurd shape",
      set((p) => p.values[2], { shape: [2 ** 20, 2 ** 20, 1] }),
      /product of at most/,
    ],
    [
      "an input that is no map",
      set((p) => p, { input: 1 }),
      /input 1 must be the index of a map or vector/,
    ],
    ["an input outside", set((p) => p, { input: 99 }), /input 99 must be/],
    ["an output outside", set((p) => p.outputs, { z: 9 }), /output "z": value 9 is not/],
    ["an output of bits", set((p) => p.outputs, { z: 1 }), /output "z": value 1 is not/],
    ["no outputs", set((p) => p, { outputs: {} }), /no outputs/],
    [
      "a step that reads nothing",
      set(conv, { input: 7 }),
      /step 1 \(binary-conv, conv\): input 7 is not/,
    ],
    [
      "reading what comes later",
      set((p) => p.steps[0], { input: 2 }),
      /"y" is not complete before/,
    ],
    ["bits where floats belong", set((p) => p.steps[2], { input: 1 }), /cannot read bits "signs"/],
    ["floats where bits belong", set(conv, { input: 0 }), /cannot read map "x"/],
    ["a map into linear", set((p) => p.steps[2], { input: 2 }), /cannot read map "y"/],
    ["a kernel of 0", set(conv, { kernel: [0, 1] }), /kernel 0 must be a whole number from 1/],
    ["a broken stride", set(conv, { stride: [1, 1.5] }), /stride 1.5 must be/],
    ["negative padding", set(conv, { padding: [0, -1] }), /padding -1 must be/],
    ["a kernel larger than any", set(conv, { kernel: [1, 257] }), /kernel 257 must be .* to 256/],
    ["strides larger than any", set(conv, { stride: [2 ** 31, 1] }), /stride 2147483648 must be/],
    [
      "padding far larger than the kernel",
      set(conv, { padding: [9, 0] }),
      /padding 9 must be a whole number from 0 to 8 for a kernel of 1: windows farther out see/,
    ],
    ["a name without end", set((p) => p.values[2], { name: "y".repeat(1025) }), /1025 characters/],
    ["covers without end", set(conv, { covers: Array(1025).fill("a") }), /1025 covered nodes/],
    ["a cover's name without end", set(conv, { covers: ["a".repeat(1025)] }), /1025 characters/],
    ["an output's name without end", set((p) => p.outputs, { ["o".repeat(1025)]: 2 }), /1025 char/],
    [
      "micro-ops without end",
      set(conv, { epilogue: Array(513).fill(["relu", 0]) }),
      /step 1 \(binary-conv, conv\): 513 micro-ops, at most 512 are allowed/,
    ],
    ["steps without end", set((p) => p, { steps: Array(8193).fill(sound.steps[0]) }), /8193 steps/],
    [
      "values without end",
      set((p) => p, { values: Array(16_385).fill(sound.values[0]) }),
      /16385 values, at most 16384/,
    ],
    [
      "micro-ops without end in all",
      set((p) => p, {
        steps: Array(200).fill({ ...sound.steps[0], epilogue: Array(400).fill(["relu", 0]) }),
      }),
      /80000 micro-ops, at most 65536/,
    ],
    ["groups that do not divide", set(conv, { groups: 2 }), /3 input and 2 output channels/],
    [
      "an unknown padValue",
      set(conv, { padValue: 2 }),
      /padValue must be 0, 1, -1 or replicate, is 2/,
    ],
    ["a kernel beyond the map", set(conv, { kernel: [3, 3] }), /its output would be \[0,0,2\]/],
    ["a grid of bits", set(conv, { kind: "quantise" }), /cannot read bits "signs"/],
    ["a grid of no bits", grid({ bits: 0 }), /bits 0 must be a whole number from 1 to 16/],
    ["a grid of half a bit", grid({ bits: 0.5 }), /bits 0.5 must be/],
    ["a grid without clip", grid({ clip: 0 }), /clip must be a positive float32 number, is 0/],
    [
      "a clip beyond float32",
      grid({ clip: 0.1 }),
      /clip must be a positive float32 number, is 0.1/,
    ],
    ["an unknown group", grid({ group: "row" }), /group must be image or channel, is "row"/],
    ["an unknown weight", set(conv, { weight: "none" }), /there is no tensor "none"/],
    ["a weight that is inherited", set(conv, { weight: "constructor" }), /no tensor "constructor"/],
    [
      "a weight of another type",
      set(conv, { weight: "dense" }),
      /must be bits \[2,1\], is float32 \[2,2\]/,
    ],
    ["a weight of another shape", set(conv, { out: 3 }), /must be bits \[3,1\], is bits \[2,1\]/],
    ["an unknown micro-op", epilogue(["cube", 0]), /no such micro-op/],
    ["an inherited micro-op", epilogue(["toString", 0]), /no such micro-op/],
    ["too few operands", epilogue(["add", 0]), /takes 2 operands, has 1/],
    ["a register not defined", epilogue(["relu", 5]), /register 5 is not defined yet/],
    ["a negative register", epilogue(["relu", -1]), /register -1 is not defined/],
    [
      "a vector of another length",
      epilogue(["shift", 0, "zeros"]),
      /must be float32 \[2\], is float32 \[3\]/,
    ],
    ["a bound beyond float32", epilogue(["clamp", 0, 0, 0.1]), /0.1 is not a finite float32/],
    [
      "an unknown sign of zero",
      epilogue(["bits", 0, "slope", 1, 0, 0]),
      /sign of zero must be 1 or -1/,
    ],
    ["loading its own output", epilogue(["load", 2]), /load "y" is not complete/],
    ["loading another shape", epilogue(["load", 0]), /map "x" \[2,2,3\] does not fit \[2,2,2\]/],
    ["storing into bits", epilogue(["store", 0, 1, 0]), /cannot write bits "signs"/],
    ["storing into the input", epilogue(["store", 0, 0, 0]), /writes the program's input "x"/],
    ["storing a map into a vector", epilogue(["store", 0, 4, 0]), /writes \[2,2,2\] into "logits"/],
    ["writing twice", epilogue(["store", 0, 2, 0]), /channels 0 to 2 of "y" are written twice/],
    ["writing outside", epilogue(["store", 0, 2, 1]), /channels 1 to 3 lie outside "y"/],
    ["a mean into a map", epilogue(["mean", 0, 2, 0]), /cannot write map "y"/],
    ["2x2 means into a vector", epilogue(["mean-2x2", 0, 4, 0]), /cannot write vector "logits"/],
    ["2x2 means into a whole map", epilogue(["mean-2x2", 0, 2, 0]), /writes \[1,1,2\] into "y"/],
    [
      "a step that writes nothing",
      set((p) => p.steps[2], { epilogue: [["relu", 0]] }),
      /writes no value/,
    ],
    ["a value that nobody writes", (p) => p.steps.pop(), /"logits": only 0 of 2 channels/],
  ])("refuses %s", (_, change, message) => {
    expect(() => checkProgram(changed(change), tensors)).toThrow(message);
  });

  describe("a loaded value of fewer channels", () => {
    interface Case {
      readonly channels: number;
      readonly out: number;
      readonly groups?: number;
      readonly kind?: ProgramValue["kind"];
      readonly size?: 1 | 2;
    }
    const copies: { readonly [K in ProgramValue["kind"]]: MicroOp } = {
      map: ["store", 0, 1, 0],
      bits: ["bits", 0, "t", 1, 0, -1],
      vector: ["mean", 0, 1, 0],
    };

    /** x [2, 2, channels], kept as `kind`, then loaded in a convolution of x to `out` channels. */
    function check({ channels, out, groups = 1, kind = "map", size = 1 }: Case): void {
      const pointwise = { kind: "pointwise", covers: [], input: 0 } as const;
      const program: Program = {
        values: [
          { name: "x", kind: "map", shape: [2, 2, channels] },
          { name: "copy", kind, shape: kind === "vector" ? [1, 1, channels] : [2, 2, channels] },
          { name: "y", kind: "map", shape: [3 - size, 3 - size, out] },
        ],
        input: 0,
        steps: [
          { ...pointwise, epilogue: [copies[kind]] },
          {
            ...{ kind: "conv", covers: [], input: 0, weight: "w", out, groups },
            ...{ kernel: [size, size], stride: [1, 1], padding: [0, 0] },
            epilogue: [
              ["load", 1],
              ["store", 1, 2, 0],
            ],
          },
        ],
        outputs: { y: 2 },
      };
      checkProgram(program, {
        t: floatTensor(new Float32Array(channels)),
        w: floatTensor(new Float32Array((out * size * size * channels) / groups), [
          out,
          size,
          size,
          channels / groups,
        ]),
      });
    }

    it("may repeat, whatever it is", () => {
      for (const kind of ["map", "bits", "vector"] as const) {
        for (const [channels, out] of [
          [32, 64],
          [96, 96 * 5],
        ])
          check({ kind, channels, out });
      }
      check({ kind: "vector", channels: 32, out: 64, size: 2 });
      check({ channels: 48, out: 48, groups: 2 });
    });

    it.each<[string, Case]>([
      ["channels that are no multiple of 32", { channels: 48, out: 96 }],
      ["channels that do not divide the step's", { channels: 64, out: 96 }],
      ["more channels than the step's", { channels: 64, out: 32 }],
      ["groups", { channels: 64, out: 128, groups: 2 }],
      ["other pixels", { channels: 32, out: 64, size: 2 }],
    ])("is refused with %s", (_, given) => {
      expect(() => check(given)).toThrow(
        /step 1 \(conv\), micro-op 0 \(load\): map "copy" \[2,2,\d+\] does not fit .* a multiple of 32 that divides them/,
      );
    });
  });

  it("refuses a value written by different micro-ops", () => {
    const program = changed((p) => {
      p.values[3].shape = [1, 1, 4];
      p.values.push({ name: "y2", kind: "map", shape: [2, 2, 2] });
      p.steps[2] = {
        kind: "linear",
        covers: [],
        input: 3,
        weight: "dense",
        out: 2,
        epilogue: [["store", 0, 3, 2]],
      };
    });
    expect(() => checkProgram(program, tensors)).toThrow(/not complete before this step/);
  });

  it.each<[string, ProgramTensors, RegExp]>([
    [
      "NaN",
      { ...tensors, slope: floatTensor(Float32Array.of(1, Number.NaN)) },
      /"slope": element 1 is NaN/,
    ],
    [
      "infinity",
      { ...tensors, slope: floatTensor(Float32Array.of(-1 / 0, 1)) },
      /element 0 is -Infinity/,
    ],
    [
      "missing data",
      { ...tensors, slope: floatTensor(Float32Array.of(1), [2]) },
      /does not fit its 1/,
    ],
    [
      "bits after the end of a row",
      { ...tensors, weight: { type: "bits", shape: [2, 1], data: Uint8Array.of(5, 9) } },
      /bits set after the end of a row/,
    ],
  ])("refuses tensors with %s", (_, broken, message) => {
    expect(() => checkProgram(sound, broken)).toThrow(message);
  });

  it("lets nothing through that the reference cannot run", () => {
    const numberPaths = (value: unknown, path: (string | number)[] = []): (string | number)[][] => {
      if (typeof value === "number") return [path];
      if (typeof value !== "object" || value === null) return [];
      return Object.entries(value).flatMap(([key, inner]) => numberPaths(inner, [...path, key]));
    };
    let accepted = 0;
    fc.assert(
      fc.property(fc.nat(500), fc.nat(), fc.integer({ min: -2, max: 40 }), (seed, pick, number) => {
        const random = randomProgram(seed);
        const program = structuredClone(random.program) as Draft<Program>;
        const paths = numberPaths(program);
        const path = paths[pick % paths.length];
        const owner = path.slice(0, -1).reduce((at: object, key) => at[key as never], program);
        Object.assign(owner, { [path.at(-1)!]: number });
        try {
          checkProgram(program as Program, random.tensors);
        } catch (error) {
          if (error instanceof OnebitError) return;
          throw error;
        }
        accepted++;
        const { values, steps } = program as Program;
        const input = values[program.input].shape.reduce((n, dim) => n * dim, 1);
        const results = runValues(program as Program, random.tensors, new Float32Array(input));
        expect(results).toHaveLength(values.length);
        for (const result of results) expect(result.some(Number.isNaN)).toBe(false);
        expect((steps as Step[]).length).toBeGreaterThan(0);
      }),
      { numRuns: 2000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
