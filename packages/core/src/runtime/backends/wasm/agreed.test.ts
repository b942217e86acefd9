import { readdirSync, readFileSync } from "node:fs";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { ProgramTensors } from "../../../program/types.js";
import {
  bitTensor,
  floatTensor,
  singleBitStep,
  singleStep,
} from "../../../test-support/packed-step.js";
import * as agreed from "./agreed.js";
import { compileProgram, type PlanOptions } from "./compile.js";
import { type Field, MemoryPlan, type Place } from "./memory-plan.js";

const { OPS } = agreed;

const own = readFileSync(new URL("agreed.ts", import.meta.url), "utf8");
const folder = new URL("../../../../kernels/", import.meta.url);
const read = (file: string) => readFileSync(new URL(file, folder), "utf8").replace(COMMENTS, "");
const COMMENTS = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;
const sources = readdirSync(folder).filter((file) => file.endsWith(".ts"));
const all = sources.map(read).join("\n");

/** Fields of every @unmanaged class of the kernels: name and type. */
const classes = new Map(
  [...all.matchAll(/@unmanaged\s+(?:export )?class (\w+) \{([^}]*)\}/g)].map(([, name, body]) => {
    const fields = [...body.matchAll(/(\w+): (\w+);/g)].map(([, field, type]) => ({ field, type }));
    return [name, fields] as const;
  }),
);

/** Labels of every tuple of Records. */
const records = new Map(
  [...own.matchAll(/^ {2}(\w+): readonly \[(.*?)\];$/gms)].map(([, name, body]) => {
    const [, window] = /type Window = readonly \[(.*?)\];/s.exec(own)!;
    const whole = body.replace(/(\w+: )?Window/, window);
    return [name, [...whole.matchAll(/(\w+): (?:Field|number)/g)].map(([, label]) => label)];
  }),
);

/** What lookupConv writes for itself. */
const OWN = ["Pair"];

describe("kernels and their compiler agree on", () => {
  it("the numbers of instructions", () => {
    const [, body] = /export enum Op \{([^}]*)\}/.exec(all)!;
    expect(body.match(/\w+/g)).toEqual([...OPS]);
  });

  it("which kernel an instruction is", () => {
    const cases = [...read("index.ts").matchAll(/case Op\.(\w+): return (\w+)\(/g)];
    expect(cases.map(([, op]) => op)).toEqual([...OPS]);
    for (const [, op, kernel] of cases) expect(kernel).toBe(op);
  });

  it("the fields of every record, in their order", () => {
    expect([...classes.keys()].toSorted()).toEqual([...records.keys(), ...OWN].toSorted());
    for (const [name, labels] of records) {
      expect(labels, name).toEqual(classes.get(name)!.map(({ field }) => field));
    }
  });

  it("32 bits for each of them", () => {
    const types = [...classes.values()].flat().map(({ type }) => type);
    const known = ["usize", "i32", "f32", "Op"];
    expect(types.filter((type) => !known.includes(type))).toEqual([]);
    // A record of floats holds nothing else: it is written as floats.
    const floats = [...classes].filter(([, fields]) => fields.some(({ type }) => type === "f32"));
    expect(floats.map(([name]) => name)).toEqual(["Grid"]);
    expect(classes.get("Grid")!.every(({ type }) => type === "f32")).toBe(true);
  });

  it("every number", () => {
    const lines = [...read("agreed.ts").matchAll(/export const (\w+): \w+ = (\d+);/g)];
    const theirs = Object.fromEntries(lines.map(([, name, value]) => [name, Number(value)]));
    // A number there: with a constant the compiler makes another function, and 17 bytes more.
    theirs.LINEAR_TILE = Number(/left -= (\d+)/.exec(read("linear.ts"))![1]);
    const ours = Object.entries(agreed).filter(([, value]) => typeof value === "number");
    expect(theirs).toEqual(Object.fromEntries(ours));
    expect(theirs.PAIR_BYTES).toBe(4 * classes.get("Pair")!.length);
    for (const [, name] of lines) {
      expect(all.split(new RegExp(`\\b${name}\\b`)).length, `${name} is used`).toBeGreaterThan(2);
    }
  });
});

/** Numbers that differ from each other, so that none can stand in another's place. */
const [height, width] = [19, 27];
const window = { kernel: [7, 8], stride: [5, 6], padding: [3, 4] } as const;
const windowFields = {
  ...{ kernelY: 7, kernelX: 8, strideY: 5, strideX: 6, paddingY: 3, paddingX: 4 },
};
const [rows, columns] = [4, 5];
const floats = (size: number) => floatTensor(new Float32Array(size).fill(1));

type Named = { readonly [field: string]: Field };

/** The instructions of a program, and what they are given, by the kernels' own names. */
function compiled(
  { program, tensors }: { program: ReturnType<typeof singleStep>; tensors: ProgramTensors },
  options: PlanOptions = {},
) {
  const written = new Map<Place, ArrayLike<Field>>();
  const { constant } = MemoryPlan.prototype;
  vi.spyOn(MemoryPlan.prototype, "constant").mockImplementation(function (this: MemoryPlan, what) {
    const place = constant.call(this, what);
    written.set(place, what as unknown as ArrayLike<Field>);
    return place;
  });
  compileProgram(program, tensors, options);
  const named = (name: string, values: ArrayLike<Field>): Named =>
    Object.fromEntries(classes.get(name)!.map(({ field }, i) => [field, values[i]]));
  const size = classes.get("Instruction")!.length;
  const lists = [...written.values()].filter(
    (table) => Array.isArray(table) && table.length > 0 && table.length % size === 0,
  ) as Field[][];
  const instructions = lists.flatMap((list) =>
    Array.from({ length: list.length / size }, (_, i) => {
      return named("Instruction", list.slice(i * size, (i + 1) * size));
    }),
  );
  const of = (op: (typeof OPS)[number]) => instructions.find((one) => one.op === OPS.indexOf(op))!;
  const given = (op: (typeof OPS)[number], record: string, field = "s") =>
    named(record, written.get(of(op)[field] as Place)!);
  const lengthOf = (place: Field) => written.get(place as Place)!.length;
  return { of, given, lengthOf };
}

describe("what the compiler writes is what the kernel calls so", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("Instruction, Conv, Tiling of floats", () => {
    const step = { kind: "conv", weight: "w", out: 26, groups: 2, ...window } as const;
    const program = singleStep(step, [height, width, 22], [rows, columns, 26]);
    const { of, given } = compiled({ program, tensors: { w: floats(26 * 7 * 8 * 11) } });
    expect(of("conv")).toMatchObject({
      ...{ channels: 26, rows, width: columns, dstPixel: 112, dstAdvance: 112 },
      ...{ a: 0, aPixel: 0, aAdvance: 0, t: 0, u: 0 },
    });
    expect(given("conv", "Conv")).toMatchObject({
      ...{ pixel: 88, height, width, ...windowFields, groups: 2, groupIn: 11, groupOut: 13 },
    });
    expect(given("tileFloats", "Tiling")).toMatchObject({
      ...{ rowBytes: 7 * 8 * 11 * 4, groups: 2, groupOut: 13, groupIn: 0 },
      ...{ runTaps: 0, runs: 0, scratch: 0 },
    });
  });

  it("Instruction of a linear layer", () => {
    const step = { kind: "linear", weight: "w", out: 10 } as const;
    const program = singleStep(step, [1, 1, 12], [1, 1, 10]);
    const { of } = compiled({ program, tensors: { w: floats(120) } });
    expect(of("linear")).toMatchObject({ channels: 10, rows: 1, width: 1, t: 12 });
    expect(of("tileFloats").u).toBe(2 * 12 * 8 * 4);
  });

  it("Pool", () => {
    const step = { kind: "pool", mode: "max", ...window } as const;
    const program = singleStep(step, [height, width, 6], [rows, columns, 6]);
    const { of, given } = compiled({ program, tensors: {} });
    expect(of("maxPool")).toMatchObject({ channels: 6, aPixel: 32, aAdvance: 0 });
    expect(given("maxPool", "Pool")).toMatchObject({ height, width, ...windowFields });
  });

  it("Grid", () => {
    const step = { kind: "quantise", bits: 3, clip: 2.5, group: "image" } as const;
    const program = singleStep(step, [5, 6, 3], [5, 6, 3]);
    const { of, given } = compiled({ program, tensors: {} });
    expect(given("grid", "Grid")).toEqual({ clip: 2.5, levels: 7 });
    expect(of("gridRange")).toMatchObject({ u: 1, rows: 5, width: 6, aPixel: 16, aAdvance: 16 });
    expect(of("grid").t).toBe(of("gridRange").dst);
  });

  it("Shuffle", () => {
    const step = { kind: "shuffle", first: -1, out: 4, dealt: 3, whole: false } as const;
    const program = singleStep(step, [5, 6, 9], [5, 6, 4]);
    const { of, given, lengthOf } = compiled({ program, tensors: {} });
    expect(of("shuffle")).toMatchObject({ channels: 4, rows: 5, width: 6 });
    const shuffle = given("shuffle", "Shuffle");
    expect(shuffle).toMatchObject({ rowBytes: 6 * 48, pixelBytes: 48, bits: 0 });
    expect([lengthOf(shuffle.places), lengthOf(shuffle.runs)]).toEqual([4, 2]);
  });

  it("Regroup of a border that replicates", () => {
    const { given } = compiled(grouped(1, "replicate"), { kernel: "popcount" });
    expect(given("regroup", "Regroup")).toMatchObject({
      ...{ rows: borderedRows, columns: borderedColumns, borderY: 3, borderX: 4 },
      ...{ groups: 1, channels: 66, fromPixel: 12, toPixel: 12 },
    });
    expect(given("borderStarts", "Borders", "t")).toMatchObject({ correct: 0 });
  });

  const grouped = (groups: number, padValue: 1 | "replicate" = 1) => {
    const out = 26;
    const step = { kind: "binary-conv", weight: "w", out, groups, padValue, ...window } as const;
    const size = (7 * 8 * 66) / groups;
    const signs = new Int8Array(out * size).fill(1);
    return {
      program: singleBitStep(step, [height, width, 66], [rows, columns, out]),
      tensors: { w: bitTensor(signs, out), zeros: floats(66) },
    };
  };
  const [borderedRows, borderedColumns] = [height + 2 * 3, width + 2 * 4];

  it("Regroup, BinaryLayer, Tiling, Borders of words in groups", () => {
    const { given, lengthOf } = compiled(grouped(2), { kernel: "popcount" });
    expect(given("regroup", "Regroup")).toMatchObject({
      ...{ rows: borderedRows, columns: borderedColumns, borderY: 0, borderX: 0 },
      ...{ fromPixel: 12, toPixel: 16 },
      ...{ groups: 2, channels: 33, groupBytes: 8 },
    });
    const layer = given("popcountConv", "BinaryLayer");
    expect(layer).toMatchObject({
      ...{ rowAdvance: 5 * borderedColumns * 16, columnAdvance: 6 * 16 },
      ...{ groups: 2, groupBytes: 8, groupOut: 13, runs: 56, runBytes: 8, partBytes: 0 },
    });
    expect(lengthOf(layer.runOffsets)).toBe(56);
    expect(lengthOf(layer.rowClasses)).toBe(rows);
    expect(lengthOf(layer.columnClasses)).toBe(columns);
    const tiling = given("tileWords", "Tiling");
    const borders = given("borderStarts", "Borders", "t");
    expect(tiling).toMatchObject({
      ...{ rowBytes: (7 * 8 * 33) / 8, groups: 2, groupOut: 13, groupIn: 33, runTaps: 1, runs: 56 },
    });
    expect(borders).toMatchObject({ kernelY: 7, kernelX: 8, products: 7 * 8 * 33, correct: 2 });
    expect(lengthOf(borders.rows)).toBe(2 * (borders.rowClasses as number));
    expect(lengthOf(borders.columns)).toBe(2 * (borders.columnClasses as number));
    expect(layer.weights).toEqual(tiling.to);
    expect(layer.starts).toEqual(given("borderStarts", "Tiling").to);
  });

  it("Pairs, BinaryLayer, Tiling of nibbles", () => {
    const { given } = compiled(grouped(1), { kernel: "lookup" });
    const pairs = given("pairNibbles", "Pairs");
    expect(pairs).toMatchObject({
      ...{ rows: borderedRows, rowWords: borderedColumns * 3, apart: 6 * 3 },
    });
    const layer = given("lookupConv", "BinaryLayer");
    // Of a row of 8 positions, 3 words of 8 nibbles: 64 threes, in parts of at most 21.
    expect(layer).toMatchObject({
      ...{ rowAdvance: 5 * borderedColumns * 48, columnAdvance: 6 * 48, groups: 1 },
      ...{ groupBytes: 48, groupOut: 26, runs: 7, runBytes: 64 * 6, partBytes: 16 * 6 },
    });
    expect((layer.input as Place).block).toBe((pairs.to as Place).block);
    expect(given("tileNibbles", "Tiling")).toMatchObject({
      ...{ rowBytes: (7 * 8 * 66) / 8, groups: 1, groupOut: 26, groupIn: 66, runTaps: 8, runs: 7 },
    });
  });
});
