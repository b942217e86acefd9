import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { OnebitError, UsageError } from "../errors.js";
import { typesOf } from "../graph/index.js";
import { closest } from "../words/closest.js";
import { blockOf, blockOutputs } from "./blocks.js";
import { buildModel, formsOf, modelNamed } from "./build-model.js";
import { models } from "./catalogue.js";
import type { ModelOptions } from "./options.js";

const named = Object.keys(models).filter((name) => name !== "bnext" && name !== "reactnet");
const ops = (graph: { nodes: readonly { op: string }[] }) =>
  new Set(graph.nodes.map(({ op }) => op));

// Entries of the official classes (published-systems.md, section 3).
it.each([
  ["bnext-t", 661],
  ["bnext-s", 661],
  ["bnext-m", 997],
  ["bnext-l", 1333],
  ["bnext-18", 363],
  ["reactnet-a", 298],
  ["reactnet-18", 186],
  // torchvision's classes, and the CIFAR ones with counters of batches.
  ["resnet-18", 122],
  ["resnet-34", 218],
  ["resnet-50", 320],
  ["resnet-20", 116],
  ["resnet-56", 332],
])("%s has %i checkpoint entries", (name, entries) => {
  expect(Object.keys(buildModel(name).tensors)).toHaveLength(entries);
});

describe.each(named)("%s", (name) => {
  const graph = buildModel(name, { classes: 7, batch: 2 });
  const types = typesOf(graph);

  it("has logits, pooled features and maps by stride", () => {
    const shapes = Object.fromEntries(
      Object.entries(graph.outputs).map(([output, value]) => [output, types.get(value)!.shape]),
    );
    expect(shapes.logits).toEqual([2, 7]);
    expect(shapes.features).toHaveLength(2);
    const [, , height] = types.get("x")!.shape;
    for (const [output, shape] of Object.entries(shapes)) {
      const stride = /^stage-(\d+)$/.exec(output)?.[1];
      if (stride) expect(shape[2]).toBe(height / Number(stride));
    }
  });

  it("writes back running statistics for every batch-norm, and only tensors that exist", () => {
    const norms = graph.nodes.filter(({ op }) => op === "batch-norm");
    const statistics = Object.keys(graph.updates).filter((key) => key.includes(".running_"));
    expect(statistics).toHaveLength(2 * norms.length);
    for (const { inputs } of norms) {
      expect(graph.updates[inputs[3]]).toMatch(/:mean$/);
      expect(graph.updates[inputs[4]]).toMatch(/:var$/);
    }
  });

  it("uses every live tensor and no dead one", () => {
    const used = new Set(graph.nodes.flatMap(({ inputs }) => inputs));
    for (const [key, { kind }] of Object.entries(graph.tensors)) {
      const live = kind === "parameter" || kind === "buffer";
      expect(`${key} ${used.has(key)}`).toBe(`${key} ${live}`);
    }
  });

  it("comes as step 1 and as a real-valued twin, or is all real", () => {
    if (formsOf(name).join() === "real") {
      expect(buildModel(name, { form: "real" })).toEqual(buildModel(name));
      expect([...ops(graph)].filter((op) => /sign|binar/.test(op))).toEqual([]);
      return;
    }
    if (formsOf(name).join() === "binary") {
      // Logic of numbers that are no signs would be another network.
      expect(() => buildModel(name, { form: "real" })).toThrow(/its maps are signs, which only/);
      return;
    }
    const step1 = buildModel(name, { form: "step1" });
    const real = buildModel(name, { form: "real" });
    expect(ops(step1)).not.toContain("binarize-weight");
    expect(ops(step1).has("sign")).toBe(ops(graph).has("sign"));
    for (const op of ["sign", "binarize-weight", "binary-conv"]) {
      expect(ops(real)).not.toContain(op);
    }
    for (const form of [step1, real]) expect(form.inputs.map(({ name }) => name)).toEqual(["x"]);
    expect(Object.values(real.tensors).filter(({ kind }) => kind === "dead")).toEqual([]);
  });
});

it("takes the temperature as an input in BNext's binary form only", () => {
  const inputs = (name: string) => buildModel(name).inputs.map((input) => input.name);
  expect(inputs("bnext-nano")).toEqual(["x", "temperature"]);
  expect(inputs("bnext-18")).toEqual(["x", "temperature"]);
  expect(inputs("reactnet-a")).toEqual(["x"]);
});

it("gives ReActNet-A flat weights in step 2 and 4-D ones in step 1, of the same size", () => {
  const shapes = (form: "binary" | "step1") =>
    Object.entries(buildModel("reactnet-nano", { form }).tensors).filter(([key]) =>
      key.includes("binary_"),
    );
  for (const [key, { shape }] of shapes("binary")) {
    expect(key).toMatch(/\.weights$/);
    expect(shape).toHaveLength(2);
  }
  for (const [key, { shape }] of shapes("step1")) {
    expect(key).toMatch(/\.weight$/);
    expect(shape).toHaveLength(4);
  }
  const size = (form: "binary" | "step1") =>
    shapes(form).map(([, { shape }]) => shape.reduce((product, dim) => product * dim, 1));
  expect(size("binary")).toEqual(size("step1"));
});

describe("stems", () => {
  const firstMap = (name: string, options: Partial<ModelOptions>) => {
    const graph = buildModel(name, options);
    return typesOf(graph).get(Object.values(blockOutputs(graph))[0])!.shape[2];
  };

  it("of BNext halve the image for 1000 classes only, unless told", () => {
    expect(firstMap("bnext-t", { classes: 1000 })).toBe(112);
    expect(firstMap("bnext-t", { classes: 100 })).toBe(224);
    expect(firstMap("bnext-t", { classes: 100, stemStride: 2 })).toBe(112);
    expect(firstMap("bnext-t", { classes: 1000, stemStride: 1 })).toBe(224);
  });

  it("of ReActNet-A and the nano presets halve it unless told", () => {
    expect(firstMap("reactnet-a", { classes: 10 })).toBe(112);
    expect(firstMap("reactnet-a", { stemStride: 1 })).toBe(224);
    expect(firstMap("reactnet-nano", { input: [3, 32, 32] })).toBe(16);
    expect(firstMap("bnext-nano", { input: [3, 64, 64], stemStride: 1 })).toBe(64);
  });

  it("of BNext-18 are small for other class counts, of ReActNet-18 where told", () => {
    const has = (name: string, options: Partial<ModelOptions>) =>
      ops(buildModel(name, options)).has("max-pool");
    expect(has("bnext-18", { classes: 1000 })).toBe(true);
    expect(has("bnext-18", { classes: 10 })).toBe(false);
    expect(has("bnext-18", { classes: 10, stem: "imagenet" })).toBe(true);
    expect(has("reactnet-18", { classes: 10 })).toBe(true);
    expect(has("reactnet-18", { stem: "small" })).toBe(false);
  });
});

describe("BNext's switches", () => {
  const keys = (options: Partial<ModelOptions>) => {
    const { tensors } = buildModel("bnext", {
      widths: [8, 16, 32, 32],
      classes: 10,
      input: [3, 32, 32],
      ...options,
    });
    return Object.entries(tensors);
  };

  it("alternate ELM by block: PReLU_1 lives in even ones", () => {
    const live = keys({}).filter(
      ([key, { kind }]) => key.includes("activation1") && kind !== "dead",
    );
    expect(live.map(([key]) => key)).toEqual(["feature.2.Attention.activation1.weight"]);
  });

  it("elm off: every 3x3 unit is called FFN_3x3 and has a dead PReLU_1", () => {
    const off = keys({ elm: false });
    expect(off.filter(([key]) => key.includes("Attention"))).toEqual([]);
    const first = off.filter(([key]) => key.includes("activation1"));
    expect(first).toHaveLength(8);
    expect(first.every(([, { kind }]) => kind === "dead")).toBe(true);
    expect(off).toHaveLength(keys({}).length);
  });

  it("gate none: no mix and no gate; BN2 dead but in ELM units", () => {
    const none = keys({ gate: "none" });
    expect(none.filter(([key]) => key.endsWith(".scale") || key.includes(".se."))).toEqual([]);
    const second = none.filter(([key]) => key.includes("norm2"));
    expect(second).toHaveLength(5 * 8);
    for (const [key, { kind }] of second) {
      expect(kind === "dead").toBe(!key.startsWith("feature.2.Attention"));
    }
  });

  it("gate input: a gate of the same size that sees the input, and no mix", () => {
    const seen = keys({ gate: "input" });
    expect(seen.filter(([key]) => key.endsWith(".scale"))).toEqual([]);
    const gates = (entries: typeof seen) =>
      entries.filter(([key]) => key.includes(".se.")).map(([key, { shape }]) => `${key} ${shape}`);
    expect(gates(seen)).toEqual(gates(keys({})));
    const graph = buildModel("bnext-nano", { gate: "input" });
    const pool = graph.nodes.find(({ name }) => name === "feature.3.Attention.se.se.0");
    expect(pool!.inputs).toEqual(["feature.2"]);
  });

  it("gate input in BNext-18 sees the narrower input of a strided unit", () => {
    const { tensors } = buildModel("bnext-18", { gate: "input", width: 16 });
    expect(tensors["layer1.0.Attention.se.se.1.weight"].shape).toEqual([4, 16, 1, 1]);
    expect(tensors["layer1.0.Attention.se.se.3.weight"].shape).toEqual([32, 4, 1, 1]);
  });

  it("clamp latent weights and scales where the official code does", () => {
    const clampOf = (name: string, key: string) => {
      const graph = buildModel(name, { classes: 10 });
      const node = graph.nodes.find((n) => n.name === graph.updates[key])!;
      return [node.op, node.attrs.low, node.attrs.high, node.attrs.when];
    };
    const latent = ["clamp", -1.5, 1.5, "training"];
    expect(clampOf("bnext-nano", "feature.1.FFN_1.binary_conv.weight")).toEqual(latent);
    expect(clampOf("bnext-18", "layer0.0.FFN.binary_conv.weight")).toEqual(latent);
    const always = ["clamp", 0, 1, "always"];
    const training = ["clamp", 0, 1, "training"];
    expect(clampOf("bnext-nano", "feature.1.Attention.scale")).toEqual(training);
    expect(clampOf("bnext-nano", "feature.2.Attention.scale")).toEqual(training);
    expect(clampOf("bnext-nano", "feature.1.FFN_2.scale")).toEqual(always);
    expect(clampOf("bnext-18", "layer0.0.Attention.scale")).toEqual(training);
    expect(clampOf("bnext-18", "layer0.0.FFN.scale")).toEqual(always);
  });
});

describe("wrong usage", () => {
  const failing = (name: string, options: object = {}) => {
    try {
      buildModel(name, options);
    } catch (error) {
      expect(error).toBeInstanceOf(UsageError);
      return (error as Error).message;
    }
    throw new Error(`${name} ${JSON.stringify(options)} was accepted`);
  };

  it("names the models there are, and guesses", () => {
    expect(failing("bnext-tt")).toMatch(
      /unknown model "bnext-tt": did you mean "bnext-t"\?.*linear/,
    );
    expect(failing("ReActNet-A")).toContain('did you mean "reactnet-a"');
    expect(failing("vgg")).not.toContain("did you mean");
    expect(() => modelNamed("constructor")).toThrow(UsageError);
    expect(() => modelNamed("__proto__")).toThrow(UsageError);
    expect(closest("", [])).toBeUndefined();
  });

  it("names the switches an architecture has", () => {
    expect(failing("reactnet-a", { elm: true })).toMatch(
      /no switch "elm"; it has .*widths, stemStride/,
    );
    expect(failing("linear", { widths: [1, 2] })).toContain('no switch "widths"');
  });

  it.each([
    [{ classes: 0 }, "classes 0"],
    [{ classes: 2.5 }, "classes 2.5"],
    [{ batch: -1 }, "batch -1"],
    [{ input: [3, 32] }, "channels, height, width"],
    [{ input: [3, 32, 0] }, "input width 0"],
    [{ form: "ternary" }, "form"],
    [{ gate: "both" }, "mix or input or none"],
    [{ stemStride: 3 }, "stemStride"],
    [{ seReduction: 0 }, "seReduction"],
    [{ widths: [16] }, "need a stem and a block"],
    [{ widths: [16, 24] }, "keeps its width or doubles it"],
    [{ widths: [16, 16.5] }, "widths[1] is 16.5"],
  ])("refuses %j", (options, part) => {
    expect(failing("bnext-nano", options)).toContain(part);
  });

  it("asks for widths where there are none", () => {
    expect(failing("bnext")).toContain("give its widths");
    expect(failing("bnext-18", { depths: [2, 2] })).toContain("four positive whole numbers");
    expect(failing("bnext-18", { width: 0 })).toContain("width 0");
  });

  it("has real weights only in a float network, and says so", () => {
    for (const form of ["binary", "step1"]) {
      expect(failing("resnet-20", { form })).toBe(
        `resnet-20: form is "${form}", but it is a float network: nothing in it can be 1-bit. Say form real, or choose a network that has such weights`,
      );
    }
    expect(failing("mobilenet-v1", { form: "ternary" })).toContain("must be real");
    expect(failing("reactnet-a", { form: "ternary" })).toContain("must be binary or step1 or real");
  });

  it("tells a float network's switches", () => {
    expect(failing("resnet-20", { depths: [3, 3, 3, 3] })).toContain(
      "three positive whole numbers",
    );
    expect(failing("resnet-20", { shortcut: "pool" })).toContain("must be zeros or conv");
    expect(failing("mobilenet-v1", { activation: "swish" })).toContain("must be relu or relu6");
    expect(failing("mobilenet-v1", { activation: "rprelu" })).toContain("must be relu or relu6");
    expect(failing("reactnet-a", { activation: "relu" })).toContain("none or prelu or rprelu");
    expect(failing("reactnet-a", { rsign: 1 })).toContain("rsign is 1, must be true or false");
    expect(failing("resnet-50", { bottleneck: 2 })).toContain("must be true or false");
  });

  it("refuses odd maps where they would be halved, and takes them elsewhere", () => {
    expect(failing("bnext-nano", { input: [1, 30, 30] })).toMatch(
      /feature\.2.*15x15.*even input sizes are required/,
    );
    expect(failing("reactnet-18", { input: [3, 225, 224] })).toContain("even input sizes");
    // No pooling before the odd map: three strided convolutions would be needed to get there.
    expect(() => buildModel("bnext", { widths: [8, 16], input: [1, 29, 31] })).not.toThrow();
    expect(() => buildModel("reactnet", { widths: [8, 16], input: [1, 29, 31] })).not.toThrow();
  });
});

it("builds or refuses any size, never anything between", () => {
  const side = fc.integer({ min: 1, max: 40 });
  const model = fc.constantFrom("bnext-nano", "reactnet-nano", "bnext-18", "reactnet-18", "linear");
  const property = fc.property(
    model,
    side,
    side,
    fc.integer({ min: 1, max: 3 }),
    (name, h, w, c) => {
      const attempt = () => buildModel(name, { input: [c, h, w], classes: 10 });
      try {
        expect(attempt().outputs.logits).toBe("fc");
      } catch (error) {
        if (!(error instanceof OnebitError)) throw error;
        expect(error.message).toMatch(/even input sizes|larger than the padded input/);
      }
    },
  );
  fc.assert(property, { numRuns: 60 });
});

it("names blocks after the official module paths", () => {
  expect(blockOf("feature.3.Attention.norm1:mean")).toBe("feature.3");
  expect(blockOf("layer1.0.downsample.1.weight")).toBe("layer1.0");
  expect(blockOf("fc.weight")).toBe("fc");
  const blocks = blockOutputs(buildModel("reactnet-18"));
  expect(Object.keys(blocks).slice(0, 4)).toEqual(["conv1", "bn1", "maxpool", "layer1.0"]);
  for (const [block, value] of Object.entries(blocks)) {
    if (block !== "avgpool") expect(value).toBe(block);
  }
});
