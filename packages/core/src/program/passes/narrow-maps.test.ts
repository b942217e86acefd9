import { describe, expect, it } from "vitest";
import { randomProgram } from "../../conformance/random-program.js";
import { runValues } from "../../runtime/backends/reference/program.js";
import { floatTensor, value } from "../../test-support/packed-step.js";
import { roundToBfloat16 } from "../bfloat16.js";
import { checkProgram } from "../check.js";
import { compactProgram, expandProgram } from "../compact.js";
import type { MicroOp, Program, ProgramTensors, ProgramValue, Step } from "../types.js";
import { withMaps } from "./narrow-maps.js";
import { prune } from "./prune.js";

const tensors: ProgramTensors = {
  s: floatTensor(Float32Array.of(1 / 3, 1 / 7)),
  w: floatTensor(Float32Array.of(1, 2, 3, 4), [2, 1, 1, 2]),
};
const map = [2, 2, 2] as const;
const window = { kernel: [1, 1], stride: [1, 1], padding: [0, 0] } as const;
const pointwise = (input: number, epilogue: readonly MicroOp[]): Step => {
  return { kind: "pointwise", covers: [], input, epilogue };
};

/** x -> mid = x * s -> { y = mid + mid, conv of it, pool of it }, and what is stored for them. */
const program: Program = {
  values: [
    value("x", "map", map),
    value("mid", "map", map),
    value("y", "map", map),
    value("for conv", "map", map),
    value("for pool", "map", map),
    value("conv", "map", map),
    value("pool", "map", map),
    value("stage", "map", map),
    value("logits", "vector", [1, 1, 2]),
  ],
  input: 0,
  steps: [
    pointwise(0, [
      ["scale", 0, "s"],
      ["store", 1, 1, 0],
      ["store", 1, 3, 0],
      ["store", 1, 4, 0],
    ]),
    pointwise(1, [
      ["load", 1],
      ["add", 0, 1],
      ["store", 2, 2, 0],
      ["store", 2, 7, 0],
    ]),
    {
      ...{ kind: "conv", covers: [], input: 3, weight: "w", out: 2, groups: 1, ...window },
      epilogue: [["store", 0, 5, 0]],
    },
    {
      ...{ kind: "pool", mode: "max", covers: [], input: 4, ...window },
      epilogue: [["store", 0, 6, 0]],
    },
    pointwise(5, [
      ["load", 6],
      ["add", 0, 1],
      ["load", 7],
      ["add", 2, 3],
      ["mean", 4, 8, 0],
    ]),
  ],
  outputs: { logits: 8, y: 2, stage: 7 },
};
const image = Float32Array.of(1, -2, 3, 1e-40, 5, -0.1, 7, 8);

const narrowNames = ({ values }: Program) =>
  values.filter(({ type }) => type === "bfloat16").map(({ name }) => name);
const marked = (name: string): Program => {
  const values = program.values.map((one): ProgramValue => {
    return one.name === name ? { ...one, type: "bfloat16" } : one;
  });
  return { ...program, values };
};

describe("narrow maps", () => {
  it("are those that only epilogues touch; outputs that are read get a copy", () => {
    const narrow = withMaps(program, "bfloat16");
    checkProgram(narrow, tensors);
    expect(narrowNames(narrow)).toEqual(["mid", "conv", "stage"]);
    expect(narrow.values[narrow.outputs.stage].name).toBe("stage:float32");
    expect(narrow.outputs).toMatchObject({ logits: 8, y: 2 });
    expect(narrowNames(withMaps(narrow, "float32"))).toEqual([]);
  });

  it("hold rounded numbers, and callers see those; registers keep theirs", () => {
    const narrow = withMaps(program, "bfloat16");
    const values = runValues(narrow, tensors, image);
    const s = tensors.s.data as Float32Array;
    const mid = image.map((x, i) => x * s[i % 2]);
    const rounded = mid.map(roundToBfloat16);
    expect(values[1]).toEqual(rounded);
    expect(values[3]).toEqual(mid);
    const doubled = rounded.map((x) => x + x);
    expect(values[2]).toEqual(doubled);
    expect(values[narrow.outputs.stage]).toEqual(doubled.map(roundToBfloat16));
  });

  it("are the same whichever outputs are wanted", () => {
    const narrow = withMaps(program, "bfloat16");
    const small = prune(narrow, ["logits"]);
    const all = runValues(narrow, tensors, image)[narrow.outputs.logits];
    expect(runValues(small, tensors, image)[small.outputs.logits]).toEqual(all);
  });

  it("are refused where something else touches the map, with the reason", () => {
    const refused: readonly (readonly [name: string, why: string])[] = [
      ["x", "it is the program's input"],
      ["y", "it is an output"],
      ["for conv", "it is read by a conv step"],
      ["for pool", "it is read by a pool step"],
      ["pool", "it is written by a pool step"],
      ["logits", "it is no map but vector"],
    ];
    for (const [name, why] of refused) {
      const message = `value "${name}": cannot be bfloat16, ${why}`;
      expect(() => checkProgram(marked(name), tensors)).toThrow(message);
    }
    checkProgram(marked("mid"), tensors);
  });

  it("are refused on vectors and bits, and in other types", () => {
    const { program: random, tensors: own } = randomProgram(5);
    const with_ = (id: number, type: string): Program => {
      const values = random.values.map((one, i) => (i === id ? { ...one, type } : one));
      return { ...random, values } as Program;
    };
    const isBits = random.values.findIndex(({ kind }) => kind === "bits");
    expect(() => checkProgram(with_(isBits, "bfloat16"), own)).toThrow("is no map but bits");
    expect(() => checkProgram(with_(0, "float16"), own)).toThrow('unknown type "float16"');
  });

  it("keep their type in the file's form, which older versions refuse", () => {
    const narrow = withMaps(program, "bfloat16");
    const names = Object.keys(tensors);
    const compact = JSON.parse(JSON.stringify(compactProgram(narrow, names)));
    expect(expandProgram(compact, names)).toEqual(narrow);
    expect(compact.values[1][1]).toBe(3);
  });

  it("pass the checks in every random program", () => {
    for (let seed = 0; seed < 300; seed++) {
      const random = randomProgram(seed);
      checkProgram(withMaps(random.program, "bfloat16"), random.tensors);
    }
  });
});
