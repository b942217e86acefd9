import { describe, expect, it } from "vitest";
import { randomProgram } from "../conformance/random-program.js";
import { evaluate } from "../graph/evaluate.js";
import { rebatch } from "../graph/rebatch.js";
import type { Graph, Tensor } from "../graph/types.js";
import { buildModel } from "../models/index.js";
import { toOnnx } from "../onnx/index.js";
import { withMaps } from "../program/passes/narrow-maps.js";
import type { Program, ProgramTensors } from "../program/types.js";
import { runValues } from "../runtime/backends/reference/program.js";
import { outputTensor } from "../runtime/output-tensor.js";
import { expectClose } from "../test-support/close.js";
import { channelsLast } from "../test-support/compare-packed.js";
import { randomImages, randomWeights } from "../test-support/random-weights.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { pack, unpack } from "./index.js";

const small = { classes: 7, input: [3, 16, 16] as const };
const larger = { classes: 7, input: [3, 64, 64] as const };
const bnext = { ...small, widths: [6, 12, 24, 24, 48, 48] };
const reactnet = { ...small, widths: [6, 12, 12, 24, 24] };
const networks: [string, string, object][] = [
  ["bnext-nano", "bnext-nano", small],
  ["reactnet-nano", "reactnet-nano", small],
  ["bnext", "bnext", bnext],
  ["bnext, real", "bnext", { ...bnext, form: "real" }],
  ["bnext, step 1", "bnext", { ...bnext, form: "step1" }],
  ["bnext, gate on the input", "bnext", { ...bnext, gate: "input" }],
  ["bnext-18", "bnext-18", { ...small, width: 8, input: [3, 32, 32] }],
  ["bnext-18, ImageNet stem", "bnext-18", { ...larger, width: 8, stem: "imagenet" }],
  ["reactnet-a", "reactnet", reactnet],
  ["reactnet-a, pairs merged", "reactnet", { ...small, widths: [32, 64, 64, 128] }],
  ["reactnet-a, real", "reactnet", { ...reactnet, form: "real" }],
  ["reactnet-18", "reactnet-18", { ...larger, width: 8 }],
  ["linear", "linear", small],
];

type Outputs = { readonly [name: string]: Tensor };

/** Values of the reference backend: every output under its name, all bits under "bits:<name>". */
function referenceOutputs(program: Program, tensors: ProgramTensors, image: Tensor): Outputs {
  const values = runValues(program, tensors, channelsLast(image));
  const tensorOf = (id: number) => {
    const { kind, shape } = program.values[id];
    return outputTensor(Float32Array.from(values[id]), 1, kind, shape);
  };
  const named = Object.entries(program.outputs).map(([name, id]) => [name, tensorOf(id)]);
  const bits = bitNames(program).map(({ name, id }) => [`bits:${name}`, tensorOf(id)]);
  return Object.fromEntries([...named, ...bits]);
}

function bitNames({ values }: Program): { name: string; id: number }[] {
  return values.flatMap(({ name, kind }, id) => (kind === "bits" ? [{ name, id }] : []));
}

/** The graph with its bits as outputs too: a sign that flips explains what comes after it. */
function withBits(graph: Graph, program: Program): Graph {
  const bits = bitNames(program).map(({ name }) => [`bits:${name}`, name]);
  return { ...graph, outputs: { ...graph.outputs, ...Object.fromEntries(bits) } };
}

const flips = (actual: Outputs, expected: Outputs) =>
  Object.entries(expected).reduce((count, [name, { data }]) => {
    if (!name.startsWith("bits:")) return count;
    return (
      count + Array.from(data).reduce((n, x, i) => n + (x === actual[name].data[i] ? 0 : 1), 0)
    );
  }, 0);

/** max|difference| <= 1e-5 max|expected|, as the acceptance rules for networks have it. */
function expectOutputs(actual: Outputs, expected: Outputs, label: string): void {
  for (const [name, { shape, data }] of Object.entries(expected)) {
    expect(actual[name].shape, `${label}, ${name}`).toEqual(shape);
    const largest = Array.from(data).reduce((max, x) => Math.max(max, Math.abs(x)), 0);
    const error = Array.from(data).reduce((max, x, i) => {
      return Math.max(max, Math.abs(actual[name].data[i] - x));
    }, 0);
    expect(error, `${label}, ${name}`).toBeLessThanOrEqual(1e-5 * largest);
  }
}

function imageOf({ shape, data }: Tensor, n: number): Tensor {
  const size = data.length / shape[0];
  return { shape: [1, ...shape.slice(1)], data: data.slice(n * size, (n + 1) * size) };
}

describe.each(networks)("%s, packed and unpacked", (_, model, options) => {
  const graph = buildModel(model, options);
  const { program, tensors } = pack(graph, randomWeights(graph, 1));
  const image = randomImages(graph.inputs[0].shape, 2);
  const expected = referenceOutputs(program, tensors, image);
  const unpacked = unpack(program, tensors);
  const float = withBits(unpacked.graph, program);
  const { values, outputs } = evaluate(float, { x: image }, unpacked.tensors);

  it("computes what the reference backend computes, bits without a difference", () => {
    expect(Object.keys(unpacked.graph.outputs)).toEqual(Object.keys(program.outputs));
    expect(flips(outputs, expected)).toBe(0);
    expectOutputs(outputs, expected, "evaluated");
  });

  it("computes the program's values under their names", () => {
    const reference = runValues(program, tensors, channelsLast(image));
    const named = program.values.filter(({ name }) => values.has(name));
    expect(named.length).toBeGreaterThan(0.85 * program.values.length);
    program.values.forEach(({ name }, id) => {
      const value = values.get(name);
      if (value) expectClose(channelsLast(value), reference[id], 2e-5, name);
    });
  });

  it("does the same in ONNX Runtime, for a batch", async () => {
    const batch = rebatch(float, 3);
    const x = randomImages(batch.inputs[0].shape, 5);
    const actual = await runOnnx(toOnnx(batch, { tensors: unpacked.tensors }), { x });
    let agreeing = 0;
    for (let n = 0; n < 3; n++) {
      const wanted = referenceOutputs(program, tensors, imageOf(x, n));
      const found = Object.entries(actual).map(([name, value]) => [name, imageOf(value, n)]);
      const single = Object.fromEntries(found);
      // Sums in another order: a sign input within rounding errors of 0 may fall either way.
      if (flips(single, wanted) > 0) continue;
      expectOutputs(single, wanted, `ONNX Runtime, image ${n}`);
      agreeing++;
    }
    expect(agreeing).toBeGreaterThanOrEqual(2);
  });

  it("names its nodes after the packed network", () => {
    const covered = new Set(program.steps.flatMap(({ covers }) => covers));
    const known = new Set(program.values.map(({ name }) => name));
    for (const { name } of unpacked.graph.nodes) {
      const scope = name.split("/")[0];
      expect(known.has(name) || known.has(scope) || covered.has(scope), name).toBe(true);
    }
  });

  it("has 1-bit weights of exactly -1 and +1", () => {
    const convolutions = unpacked.graph.nodes.filter(({ op }) => op === "binary-conv");
    const steps = program.steps.filter(({ kind }) => kind === "binary-conv");
    expect(convolutions.length).toBe(steps.length);
    for (const { inputs } of convolutions) {
      expect(unpacked.graph.tensors[inputs[1]].role).toBe("binary");
      expect(unpacked.tensors[inputs[1]].data.every((w) => w === 1 || w === -1)).toBe(true);
    }
  });

  it("packs again to a program that gives the same numbers", () => {
    const again = pack(unpacked.graph, unpacked.tensors);
    const results = referenceOutputs(again.program, again.tensors, image);
    for (const name of Object.keys(unpacked.graph.outputs)) {
      expectClose(results[name].data, expected[name].data, 1e-5, `packed again, ${name}`);
    }
  });
});

/** Every micro-op and step kind, slices, groups, odd paddings, vectors stretched over maps. */
describe("random programs, unpacked", () => {
  /** Outputs of 150 programs, evaluated by `run`; how many had no sign that fell the other way. */
  async function compare(count: number, run: Run): Promise<number> {
    let agreeing = 0;
    for (let seed = 0; seed < count; seed++) {
      const { program: generated, tensors, image } = randomProgram(seed);
      // ONNX wants outputs named otherwise than inputs.
      const outputs = Object.entries(generated.outputs).map(([name, id]) => [`out:${name}`, id]);
      const program: Program = {
        ...withMaps(generated, "float32"),
        outputs: Object.fromEntries(outputs),
      };
      // Programs square and cube: sums of hundreds that cancel would round to more than their result.
      const dimmed = image.map((pixel) => pixel / 4);
      const { kind, shape } = program.values[program.input];
      const x = outputTensor(dimmed, 1, kind, shape);
      const { graph, tensors: weights } = unpack(program, tensors);
      const expected = referenceOutputs(program, tensors, x);
      const actual = await run(withBits(graph, program), { [graph.inputs[0].name]: x }, weights);
      if (flips(actual, expected) > 0) continue;
      expectOutputs(actual, expected, `seed ${seed}`);
      agreeing++;
    }
    return agreeing;
  }
  type Run = (graph: Graph, feeds: Outputs, tensors: Outputs) => Promise<Outputs>;

  it("compute what the reference backend computes", async () => {
    const agreeing = await compare(150, async (graph, feeds, tensors) => {
      return evaluate(graph, feeds, tensors).outputs;
    });
    // Thresholds are whole numbers often, so that a rounded sum can meet one.
    expect(agreeing).toBeGreaterThanOrEqual(147);
  });

  it("do so in ONNX Runtime", async () => {
    const agreeing = await compare(80, (graph, feeds, tensors) =>
      runOnnx(toOnnx(graph, { tensors }), feeds),
    );
    expect(agreeing).toBeGreaterThanOrEqual(76);
  });
});

it("refuses maps that a float graph has not", () => {
  const seeds = Array.from({ length: 20 }, (_, seed) => randomProgram(seed));
  const narrow = seeds.find(({ program }) => program.values.some(({ type }) => type));
  expect(() => unpack(narrow!.program, narrow!.tensors)).toThrow("float graphs have no bfloat16");
});

it("refuses a program that no backend could run", () => {
  const { program, tensors } = randomProgram(3);
  expect(() => unpack({ ...program, steps: [] }, tensors)).toThrow(/ever written/);
});
