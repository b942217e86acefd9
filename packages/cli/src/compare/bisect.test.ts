import { writeFile } from "node:fs/promises";
import { openSubject } from "@onebit/train/subjects";
import { writeOnebit } from "onebit/file";
import { encodeFloatModel, type FloatModel, floatModelGraph, scalarInputs } from "onebit/models";
import { toOnnx } from "onebit/onnx";
import { pack } from "onebit/pack";
import { type Program, type ProgramTensors, type Step, weightNode } from "onebit/program";
import { runValues } from "onebit/reference";
import { beforeAll, describe, expect, it } from "vitest";
import { channelsLast } from "../../../core/src/test-support/compare-packed.js";
import { temporaryFolder } from "../test-support/folder.js";
import { floatModel } from "../test-support/networks.js";
import { bisect } from "./bisect.js";
import { generatedImages } from "./images.js";
import { insideOf } from "./inside.js";
import { imageOf } from "./tensors.js";

const path = temporaryFolder();
const TOLERANCE = 2e-5;

const small = { classes: 5, input: [3, 32, 32] as const };
const networks: [name: string, model: string, options: object][] = [
  ["bnext", "bnext", { ...small, widths: [8, 16, 16, 32] }],
  ["bnext18", "bnext-18", { ...small, width: 8, stem: "small" }],
  ["reactnet", "reactnet", { ...small, widths: [8, 16, 16, 32] }],
  // Where it widens, two convolutions are one step.
  ["pairs", "reactnet", { ...small, widths: [32, 64, 64, 128] }],
  ["reactnet18", "reactnet-18", { ...small, input: [3, 64, 64], width: 8 }],
];

interface Network {
  readonly model: FloatModel;
  readonly program: Program;
  readonly tensors: ProgramTensors;
}

const made = new Map<string, Network>();

async function save(file: string, program: Program, tensors: ProgramTensors): Promise<string> {
  await writeFile(path(file), await writeOnebit({ program, tensors }));
  return path(file);
}

beforeAll(async () => {
  for (const [name, architecture, options] of networks) {
    const model = floatModel(architecture, options);
    const { program, tensors } = pack(floatModelGraph(model), model.tensors);
    made.set(name, { model, program, tensors });
    await save(`${name}.onebit`, program, tensors);
    await writeFile(path(`${name}.safetensors`), encodeFloatModel(model));
  }
});

async function bisected(a: string, b: string, images = 1) {
  const options = { backend: "auto", threads: 1 } as const;
  const subjects = [await openSubject(a, options), await openSubject(b, options)] as const;
  try {
    const input = generatedImages(subjects[0].input, images, 1);
    const [first, second] = subjects;
    const opened = [
      { subject: first, inside: await insideOf(first, options) },
      { subject: second, inside: await insideOf(second, options) },
    ] as const;
    return await bisect(...opened, input, TOLERANCE);
  } finally {
    for (const subject of subjects) await subject.dispose();
  }
}

describe("bisect finds nothing where nothing is wrong", () => {
  it("with quantised ends", async () => {
    const model = floatModel("bnext", { ...small, widths: [8, 16, 16, 32], quantised: "8-4-8" });
    const { program, tensors } = pack(floatModelGraph(model), model.tensors);
    const file = await save("quantised.onebit", program, tensors);
    await writeFile(path("quantised.safetensors"), encodeFloatModel(model));
    expect(await bisected(file, path("quantised.safetensors"), 4)).toMatchObject({ ok: true });
  });

  it.each(networks)("%s: packed and float", async (name) => {
    const result = await bisected(path(`${name}.onebit`), path(`${name}.safetensors`), 2);
    expect(result).toMatchObject({ ok: true, differences: [], backendFaults: [] });
    // Every binary convolution's sum and every sign was seen.
    const { program } = made.get(name)!;
    const convolutions = program.steps.filter(({ kind }) => kind === "binary-conv");
    expect(result.compared).toBeGreaterThan(2 * convolutions.length);
  });

  it("packed and packed, float and float, whichever comes first", async () => {
    const [packed, float] = [path("bnext.onebit"), path("bnext.safetensors")];
    for (const pair of [
      [packed, packed],
      [float, float],
      [float, packed],
    ] as const) {
      expect(await bisected(...pair)).toMatchObject({ ok: true, differences: [], flips: [] });
    }
  });
});

/** The same program with one step, and tensors of its own, changed. */
function faulty(
  { program, tensors }: Network,
  which: (step: Step) => boolean,
  change: (step: Step, copies: { [key: string]: ProgramTensors[string] }) => Step,
): { program: Program; tensors: ProgramTensors; step: Step } {
  const candidates = program.steps.filter(which);
  const chosen = candidates[Math.floor(candidates.length / 2)];
  const copies = { ...tensors };
  const changed = change(chosen, copies);
  const steps = program.steps.map((step) => (step === chosen ? changed : step));
  return { program: { ...program, steps }, tensors: copies, step: chosen };
}

const isBinary = (step: Step) => step.kind === "binary-conv";

/** Changes a copy of one tensor's data under its own key. */
function edited(
  tensors: { [key: string]: ProgramTensors[string] },
  key: string,
  edit: (data: Uint8Array | Float32Array) => void,
): void {
  const tensor = { ...tensors[key], data: tensors[key].data.slice() } as ProgramTensors[string];
  edit(tensor.data);
  tensors[key] = tensor;
}

describe.each(networks)("bisect names the node of a fault in %s:", (name) => {
  const check = async (
    fault: { program: Program; tensors: ProgramTensors },
    expected: { node: string; kind: string },
  ) => {
    const file = await save(`faulty-${name}.onebit`, fault.program, fault.tensors);
    const [packed, float] = [path(`${name}.onebit`), path(`${name}.safetensors`)];
    const results = [await bisected(file, packed), await bisected(file, float)];
    for (const { ok, differences } of results) {
      expect(ok).toBe(false);
      expect(differences).toHaveLength(1);
      expect(differences[0]).toMatchObject(expected);
    }
    return results[1];
  };

  it("one flipped weight bit", async () => {
    const fault = faulty(made.get(name)!, isBinary, (step, tensors) => {
      if ("weight" in step) edited(tensors, step.weight, (data) => (data[0] ^= 1));
      return step;
    });
    const node = weightNode(fault.step)!;
    const { differences } = await check(fault, { node, kind: "sum" });
    const [{ a, b, position, covers }] = differences;
    expect(Math.abs(a - b)).toBe(2);
    expect(position.channel).toBe(0);
    expect(covers).toContain(node);
  });

  it("two output channels swapped", async () => {
    const fault = faulty(made.get(name)!, isBinary, (step, tensors) => {
      if (!("weight" in step)) return step;
      const row = tensors[step.weight].shape[1];
      edited(tensors, step.weight, (data) => {
        const first = data.slice(0, row);
        data.copyWithin(0, row, 2 * row);
        data.set(first as Uint8Array & Float32Array, row);
      });
      return step;
    });
    const node = weightNode(fault.step)!;
    const { differences } = await check(fault, { node, kind: "sum" });
    expect(differences[0].position.channel).toBeLessThan(2);
  });

  it("another padding", async () => {
    const isPadded = (step: Step) => step.kind === "binary-conv" && step.padding[0] > 0;
    const fault = faulty(made.get(name)!, isPadded, (step) => ({ ...step, padValue: 1 }) as Step);
    const { differences } = await check(fault, { node: weightNode(fault.step)!, kind: "sum" });
    const { x, y } = differences[0].position;
    const { program } = made.get(name)!;
    const [height, width] = program.values[fault.step.input].shape;
    const isBorder = x === 0 || y === 0 || 2 * (x + 1) >= width - 1 || 2 * (y + 1) >= height - 1;
    expect(isBorder).toBe(true);
  });

  it("a wrong threshold", async () => {
    const network = made.get(name)!;
    const hasBits = ({ epilogue }: Step) => epilogue.some(([op]) => op === "bits");
    let node = "";
    const fault = faulty(network, hasBits, (step, tensors) => {
      const epilogue = step.epilogue.map((op) => {
        if (op[0] !== "bits" || node) return op;
        const [, register, threshold, value, offset, zero] = op;
        node = network.program.values[value].name;
        tensors.wrong = tensors[threshold];
        edited(tensors, "wrong", (data) => (data[1] += 0.05));
        return ["bits", register, "wrong", value, offset, zero] as const;
      });
      return { ...step, epilogue };
    });
    const { differences } = await check(fault, { node, kind: "sign" });
    expect(differences[0].a - differences[0].b).toBeCloseTo(-0.05, 4);
  });

  it("a wrong batch-norm, and each of two faults", async () => {
    const network = made.get(name)!;
    const hasAffine = (step: Step) =>
      step.kind === "binary-conv" && step.epilogue.some(([op]) => op === "affine");
    const first = faulty(network, hasAffine, (step, tensors) => {
      const epilogue = step.epilogue.map((op) => {
        if (op[0] !== "affine") return op;
        tensors.wrong = tensors[op[3]];
        edited(tensors, "wrong", (data) => (data[0] += 0.3));
        return ["affine", op[1], op[2], "wrong"] as const;
      });
      return { ...step, epilogue };
    });
    const last = network.program.steps.filter(isBinary).at(-1)!;
    const both = { ...first.tensors };
    if ("weight" in last) edited(both, last.weight, (data) => (data[0] ^= 1));
    const file = await save(`two-${name}.onebit`, first.program, both);
    const { differences } = await bisected(file, path(`${name}.safetensors`));
    expect(differences).toHaveLength(2);
    expect(first.step.covers).toContain(differences[0].node.split(":")[0]);
    expect(differences[1]).toMatchObject({ node: weightNode(last), kind: "sum" });
  });
});

it("bisect names each faulty convolution of a step that computes two", async () => {
  const halves = ({ covers }: Step) => covers.filter((node) => /binary_pw_down[12]$/.test(node));
  const isMerged = (step: Step) => halves(step).length === 2;
  const fault = faulty(made.get("pairs")!, isMerged, (step, tensors) => {
    if ("weight" in step) {
      edited(tensors, step.weight, (data) => {
        for (const first of [0, data.length / 2]) data[first] ^= 1;
      });
    }
    return step;
  });
  const file = await save("faulty-pair.onebit", fault.program, fault.tensors);
  const { differences } = await bisected(file, path("pairs.safetensors"));
  expect(differences.map(({ node }) => node)).toEqual(halves(fault.step));
  for (const { kind, position } of differences) {
    expect({ kind, channel: position.channel }).toEqual({ kind: "sum", channel: 0 });
  }
});

describe("bisect tells rounding from faults:", () => {
  it("a sign whose input lies at its threshold flips, and is no difference", async () => {
    const { model, program, tensors } = made.get("bnext")!;
    const graph = floatModelGraph(model);
    const image = imageOf(generatedImages({ kind: "map", shape: [3, 32, 32] }, 1, 1), 0);
    const values = runValues(program, tensors, channelsLast(image));
    const sign = graph.nodes.filter(({ op }) => op === "sign")[2];
    const bias = graph.nodes.find(({ name }) => name === sign.inputs[0])!;
    const source = program.values.findIndex(({ name }) => name === bias.inputs[0]);
    // What the sign sees in the middle of channel 3, a hair above one threshold, below the other.
    const seen = values[source][(16 * 32 + 16) * program.values[source].shape[2] + 3];
    const hair = Math.abs(seen) * 3e-7;
    const shifted = structuredClone(model.tensors);
    shifted[bias.inputs[1]].data[3] = -(seen - hair);
    await writeFile(path("hair.safetensors"), encodeFloatModel({ ...model, tensors: shifted }));
    shifted[bias.inputs[1]].data[3] = -(seen + hair);
    const packed = pack(graph, shifted);
    const file = await save("hair.onebit", packed.program, packed.tensors);
    const result = await bisected(file, path("hair.safetensors"));
    expect(result).toMatchObject({ ok: true, differences: [] });
    expect(result.flips).toHaveLength(1);
    expect(result.flips[0]).toMatchObject({ node: sign.name, count: 1, a: -1, b: 1 });
    expect(result.flips[0].distance).toBeLessThan(1e-6);
  });
});

describe("bisect of float models and ONNX", () => {
  it("names a changed weight in a float model", async () => {
    const { model } = made.get("reactnet")!;
    const tensors = structuredClone(model.tensors);
    const key = Object.keys(tensors).find((name) => /bn2.*running_mean/.test(name))!;
    tensors[key].data[0] += 0.2;
    await writeFile(path("changed.safetensors"), encodeFloatModel({ ...model, tensors }));
    const { differences } = await bisected(
      path("changed.safetensors"),
      path("reactnet.safetensors"),
    );
    expect(differences).toHaveLength(1);
    expect(`${differences[0].node}.running_mean`).toBe(key);
  });

  it.each(networks)("finds a fault of %s by the names that an export keeps", async (name) => {
    const { model, program, tensors } = made.get(name)!;
    const graph = floatModelGraph(model);
    const scalars = scalarInputs(graph, model.tensors);
    const onnx = toOnnx(graph, { tensors: model.tensors, scalars });
    await writeFile(path("x.onnx"), onnx);
    const same = await bisected(path(`${name}.onebit`), path("x.onnx"));
    expect(same).toMatchObject({ ok: true, differences: [] });
    expect(same.compared).toBeGreaterThan(10);
    const fault = faulty({ model, program, tensors }, isBinary, (step, copies) => {
      if ("weight" in step) edited(copies, step.weight, (data) => (data[0] ^= 1));
      return step;
    });
    const file = await save("faulty-onnx.onebit", fault.program, fault.tensors);
    const { ok, differences } = await bisected(file, path("x.onnx"));
    expect(ok).toBe(false);
    expect(differences[0].covers).toContain(weightNode(fault.step));
    expect(await bisected(path("x.onnx"), path("x.onnx"))).toMatchObject({ ok: true });
  });
});
