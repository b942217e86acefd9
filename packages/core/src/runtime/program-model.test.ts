import { beforeAll, describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { writeOnebit } from "../file/index.js";
import type { Program } from "../program/types.js";
import { meanModel } from "../test-support/mean-model.js";
import { floatTensor, value } from "../test-support/packed-step.js";
import type { Backend } from "./backend.js";
import { reference } from "./backends/reference/index.js";
import { BudgetError } from "./budget.js";
import { load, loadModel } from "./load.js";
import type { TensorInput } from "./tensor-input.js";

/** Of pixels [3, 2, 2]: their doubles, the means of their channels, and -2 times these. */
const encoder: Program = {
  values: [
    value("pixels", "map", [2, 2, 3]),
    value("twice", "map", [2, 2, 3]),
    value("mean", "vector", [1, 1, 3]),
    value("negative", "vector", [1, 1, 3]),
  ],
  input: 0,
  steps: [
    {
      ...{ kind: "pointwise", covers: ["a"], input: 0 },
      epilogue: [
        ["add", 0, 0],
        ["store", 1, 1, 0],
        ["mean", 0, 2, 0],
      ],
    },
    {
      ...{ kind: "pointwise", covers: ["b"], input: 2 },
      epilogue: [
        ["scale", 0, "s"],
        ["store", 1, 3, 0],
      ],
    },
  ],
  outputs: { doubled: 1, embedding: 2, "-2x": 3 },
};
const tensors = { s: floatTensor(Float32Array.of(-2, -2, -2)) };

/** Of a row [2]: its product with [[1, 2], [3, 4], [5, 6]]. */
const table: Program = {
  values: [value("row", "vector", [1, 1, 2]), value("scores", "vector", [1, 1, 3])],
  input: 0,
  steps: [
    {
      ...{ kind: "linear", covers: [], input: 0, weight: "w", out: 3 },
      epilogue: [["store", 0, 1, 0]],
    },
  ],
  outputs: { logits: 1 },
};
const weights = { w: floatTensor(Float32Array.of(1, 2, 3, 4, 5, 6), [3, 2]) };

let file: Uint8Array;
let rows: Uint8Array;
beforeAll(async () => {
  file = await writeOnebit({ program: encoder, tensors, card: { name: "encoder" } });
  rows = await writeOnebit({ program: table, tensors: weights });
});

const data = Float32Array.from({ length: 24 }, (_, i) => i);
const pixels = { shape: [2, 3, 2, 2], data };
const expected = {
  doubled: { shape: [2, 3, 2, 2], data: data.map((x) => 2 * x) },
  embedding: { shape: [2, 3], data: Float32Array.of(1.5, 5.5, 9.5, 13.5, 17.5, 21.5) },
  "-2x": { shape: [2, 3], data: Float32Array.of(-3, -11, -19, -27, -35, -43) },
};

describe.each(["reference", "wasm"] as const)("a program without logits on %s", (backend) => {
  it("says what it takes and gives, and gives all of it", async () => {
    using model = await loadModel(file, { backend });
    expect(model.inputs).toEqual({ pixels: { kind: "map", shape: [3, 2, 2] } });
    expect(model.outputs).toEqual({
      doubled: { kind: "map", shape: [3, 2, 2] },
      embedding: { kind: "vector", shape: [3] },
      "-2x": { kind: "vector", shape: [3] },
    });
    expect(model.info).toMatchObject({ card: { name: "encoder" }, maps: "float32" });
    expect(model.program.steps).toHaveLength(model.info.cost.steps.length);
    expect(await model.run({ pixels })).toEqual(expected);
    expect(await model.run(pixels)).toEqual(expected);
  });

  it("computes the outputs that are asked for, in that order, and nothing else", async () => {
    using model = await loadModel(file, { backend });
    const { embedding, doubled, ...others } = await model.run(pixels, {
      outputs: ["embedding", "doubled"],
    });
    expect({ embedding, doubled }).toEqual({
      embedding: expected.embedding,
      doubled: expected.doubled,
    });
    expect(others).toEqual({});
    expect(model.profile()?.map(({ covers }) => covers)).toEqual([["a"]]);
    expect(Object.keys(await model.run(pixels, { outputs: ["-2x", "doubled"] }))).toEqual([
      "-2x",
      "doubled",
    ]);
    expect(model.profile()).toHaveLength(2);
  });
});

describe.each(["auto", "reference", "wasm"] as const)("a table on %s", (backend) => {
  it("goes in as [N, C]", async () => {
    using model = await load(rows, { backend });
    expect(model.inputs).toEqual({ row: { kind: "vector", shape: [2] } });
    expect(model.info).toMatchObject({ classes: 3, input: { channels: 2, height: 1, width: 1 } });
    const { logits } = await model.run({ row: { shape: [2, 2], data: [1, 0, 1, -1] } });
    expect(logits).toEqual({ shape: [2, 3], data: Float32Array.of(1, 3, 5, -1, -1, -1) });
  });
});

it("a table knows no pictures", async () => {
  const size: [number, number] = [1, 1];
  const how = { channels: 3, interpolation: "bilinear", crop: "none" } as const;
  const program = { ...table, values: [value("row", "vector", [1, 1, 3]), table.values[1]] };
  const preprocess = { size, ...how, mean: [0, 0, 0], std: [1, 1, 1] };
  const w = floatTensor(new Float32Array(9), [3, 3]);
  await expect(writeOnebit({ program, tensors: { w }, preprocess })).rejects.toThrow(
    /preprocess gives \[1,1,3\] \(H, W, C\), the program takes a vector \[1,1,3\]/,
  );
});

it("a table has no other size, and one item is [1, C]", async () => {
  const sized = load(rows, { backend: "reference", input: [2, 2] });
  await expect(sized).rejects.toThrow(/input 2x2: "row" is a vector, which has no other size/);
  using model = await load(rows, { backend: "reference" });
  const short = model.run({ shape: [2], data: [1, 2] });
  await expect(short).rejects.toThrow(/^input \[2\] does not fit: one item is \[1, 2\]$/);
  const image = model.run({ shape: [1, 2, 1, 1], data: [1, 2] });
  await expect(image).rejects.toThrow(/\[1, 2, 1, 1\] does not fit: \[N, 2\] is wanted/);
});

const anything = (value: unknown) => value as never;

describe("run", () => {
  const takes = /this program takes \{ "pixels": \{ shape: \[N, 3, 2, 2\], data \} \}/;

  it.each([
    [{ x: pixels }, /^run: no input "x": this program takes/],
    [{ pixels, mask: pixels }, /^run: no input "mask": this program takes/],
    [{}, /^run: no input is given: this program takes/],
  ])("refuses the inputs %o", async (inputs, message) => {
    using model = await loadModel(file, { backend: "reference" });
    const running = model.run(anything(inputs));
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(takes);
    await expect(running).rejects.toThrow(UsageError);
  });

  it.each([
    [{ pixels: data }, /^input "pixels": a Float32Array: give \{ shape: \[1, 3, 2, 2\], data \}/],
    [{ pixels: null }, /^input "pixels": null: \{ shape/],
    [{ pixels: { shape: [1, 3, 2, 2], data } }, /^input "pixels" \[1, 3, 2, 2\] holds 24 numbers/],
    [data, /^input: a Float32Array: give/],
    [[data], /^input: a list: give \{ .*list\.flat\(3\)/],
  ])("names the input of %o", async (inputs, message) => {
    using model = await loadModel(file, { backend: "reference" });
    await expect(model.run(anything(inputs))).rejects.toThrow(message);
  });

  it.each([
    [{ outputs: ["logits"] }, /^run: no output "logits": there are "doubled", "embedding", "-2x"$/],
    [{ outputs: [7] }, /^run: no output 7: there are/],
    [{ outputs: ["-2x", "doubled", "-2x"] }, /^run: output "-2x" is named twice/],
    [{ outputs: [] }, /^run: outputs names none: there are "doubled"/],
    [{ outputs: "doubled" }, /^outputs "doubled": must be a list of names/],
    [{ output: ["doubled"] }, /^run: unknown option "output": did you mean "outputs"\?/],
    [null, /^run: options must be an object/],
  ])("refuses the options %o", async (options, message) => {
    using model = await loadModel(file, { backend: "reference" });
    const running = model.run(pixels, anything(options));
    await expect(running).rejects.toThrow(message);
    await expect(running).rejects.toThrow(UsageError);
  });

  it.each(["data", "shape", "width", "__proto__"])(
    "takes an input named %s by name, and alone",
    async (name) => {
      const values = [value(name, "vector", [1, 1, 2]), table.values[1]];
      const named = await writeOnebit({ program: { ...table, values }, tensors: weights });
      using model = await loadModel(named, { backend: "reference" });
      const row: TensorInput = { shape: [1, 2], data: Float32Array.of(1, 0) };
      const { logits } = await model.run(row);
      expect(await model.run(Object.fromEntries([[name, row]]))).toEqual({ logits });
    },
  );
});

describe("sets of outputs", () => {
  /** The reference, and what is compiled on it. */
  function counting() {
    const compiled: string[] = [];
    const memory: (number | undefined)[] = [];
    let running = 0;
    const backend: Backend = {
      ...reference,
      name: "counting",
      async compile(program, given, options) {
        const executable = await reference.compile(program, given, options);
        compiled.push(Object.keys(program.outputs).join());
        memory.push(options.memory);
        running++;
        return { ...executable, memoryBytes: 1000, dispose: () => running-- };
      },
    };
    return { backend, compiled, memory, left: () => running };
  }

  it("are compiled once each, when they are asked for, and all freed", async () => {
    const { backend, compiled, left } = counting();
    const model = await loadModel(file, { backend });
    const asked = [["doubled"], ["-2x", "embedding"], ["doubled"], ["embedding", "-2x"]];
    await Promise.all(asked.map((outputs) => model.run(pixels, { outputs })));
    await model.run(pixels);
    expect(compiled).toEqual(["doubled,embedding,-2x", "doubled", "embedding,-2x"]);
    model.dispose();
    await new Promise((resolve) => setTimeout(resolve, 10));
    expect(left()).toBe(0);
  });

  it("share one budget", async () => {
    const { backend, memory } = counting();
    using model = await loadModel(file, { backend, budget: { memory: 10_000 } });
    await model.run(pixels, { outputs: ["doubled"] });
    await model.run(pixels, { outputs: ["embedding"] });
    expect(memory).toEqual([10_000, 9000, 8000]);
    using tight = await loadModel(file, { backend, budget: { memory: 1010 } });
    const running = tight.run(pixels, { outputs: ["doubled"] });
    await expect(running).rejects.toThrow(BudgetError);
    await expect(running).rejects.toThrow(
      /memory budget of 1 KiB; .*; outputs that ran before hold 1 KiB more$/,
    );
    expect(await tight.run(pixels)).toEqual(expected);
  });
});

describe("load", () => {
  it("refuses what is no classifier, and says what there is", async () => {
    const loading = load(file, { backend: "reference" });
    await expect(loading).rejects.toThrow(OnebitError);
    await expect(loading).rejects.toThrow(
      /^model: this program has no output "logits", but "doubled", "embedding", "-2x": it is not a classifier; loadModel\(\) runs any program$/,
    );
    const program = { ...encoder, outputs: { logits: 1 } };
    const map = load(await writeOnebit({ program, tensors }), { backend: "reference" });
    await expect(map).rejects.toThrow(/"logits" is a map of 2x2 pixels: .*loadModel\(\)/);
  });

  it("gives a model that can be asked for other outputs", async () => {
    const outputs = { logits: 3, doubled: 1 };
    const program = { ...encoder, outputs };
    using model = await load(await writeOnebit({ program, tensors }), { backend: "reference" });
    expect(Object.keys(await model.run(pixels))).toEqual(["logits"]);
    expect(Object.keys(model.program.outputs)).toEqual(["logits"]);
    expect(Object.keys(model.outputs)).toEqual(["logits", "doubled"]);
    const { doubled } = await model.run({ pixels }, { outputs: ["doubled"] });
    expect(doubled).toEqual(expected.doubled);
    expect(Object.keys(await model.features(pixels))).toEqual(["logits", "doubled"]);
  });

  it("is loadModel for what is a classifier", async () => {
    using model = await loadModel(await meanModel(2, 3), { backend: "reference" });
    const x = { shape: [1, 3, 2, 3], data: new Float32Array(18).fill(0.5) };
    expect((await model.run(x)).logits.data).toEqual(Float32Array.of(0.5, 0.5, 0.5));
    expect("classify" in model).toBe(false);
    await expect(loadModel(file, anything({ outputs: ["x"] }))).rejects.toThrow(
      /^loadModel: unknown option "outputs"/,
    );
  });
});
