import { readdirSync } from "node:fs";
import { describe, expect, it, test } from "vitest";
import { GraphBuilder } from "../graph/builder.js";
import { evaluate } from "../graph/evaluate.js";
import type { Graph, Mode, Tensor } from "../graph/types.js";
import { toOnnx } from "../onnx/to-onnx.js";
import { backward } from "../test-support/backward.js";
import { readNpz } from "../test-support/npy.js";
import { runOnnx } from "../test-support/run-onnx.js";
import { shared } from "../test-support/shared.js";

/*
 * Values and gradients of single ops as the official PyTorch code of BNext and ReActNet computes
 * them (goldens, rule D: within 1e-5 of the largest value), by the oracle and by ONNX Runtime. The
 * official sign is 0 at 0, ours is -1: what an exact zero touches is left out of the comparison.
 */

type File = { readonly [name: string]: Tensor };

interface Case {
  readonly mode: Mode;
  /** Arrays of the file that get a gradient, "d" and the name. */
  readonly leaves: readonly string[];
  /** Builds y from the leaves; returns it with the values whose gradients are the leaves'. */
  readonly build: (b: GraphBuilder, file: File) => { y: string; leaf?: { [name: string]: string } };
  /** Elements of an output that an exact zero touches. */
  readonly touched?: (file: File) => { [array: string]: (i: number) => boolean };
}

const sign = { estimator: "clip", range: 1.5, zero: -1 };
const signs: { readonly [name: string]: { readonly [name: string]: string | number } } = {
  rsign_bnext: sign,
  rsign_bnext18: sign,
  rsign_bnext_range1: { ...sign, range: 1 },
  rsign_reactnet: { ...sign, estimator: "approx" },
};
const bnextWeight = { scale: "none", estimator: "identity", range: 1.5, threshold: 1e-7, zero: -1 };
const reactnetWeight = { ...bnextWeight, scale: "channel-mean", estimator: "clip", range: 1 };
const gates = ["hard-sigmoid", "sigmoid", "softmax"];
const clamp = { low: -1.5, high: 1.5, when: "training" };

/** The case of a file; undefined for files that other tests read. */
function caseOf(name: string): Case | undefined {
  if (name in signs) return rsign(signs[name]);
  if (name.startsWith("rsign_binconv_")) return rsignBinaryConv(name.endsWith("bnext"));
  if (name.startsWith("binconv_bnext")) {
    return binaryConv("bnext", name.includes("_eval_") ? "inference" : "training");
  }
  if (name.startsWith("binconv_reactnet")) return binaryConv("reactnet", "training");
  if (name === "rprelu_reactnet") return rprelu;
  const gate = gates.find((one) => name === `se_${one.replace("-", "_")}`);
  return gate ? squeezeExcite(gate) : undefined;
}

function rsign(attrs: { readonly [name: string]: string | number }): Case {
  return {
    mode: "training",
    leaves: ["x", "bias"],
    build: (b) => ({ y: b.op("sign", [b.op("bias", ["x", "bias"])], attrs) }),
    touched: ({ x, bias }) => ({ y: (i) => x.data[i] + bias.data[Math.floor(i / 25) % 4] === 0 }),
  };
}

function binaryConv(family: "bnext" | "reactnet", mode: Mode): Case {
  return {
    mode,
    leaves: ["x", "w"],
    build(b, file) {
      const { w, leaf } = binarised(b, family);
      return { y: b.op("binary-conv", ["x", w], geometry(file)), leaf: { w: leaf } };
    },
    touched: ({ w, x, y, groups }) => {
      const zeros = [...w.data.keys()].filter((i) => w.data[i] === 0);
      const [outs, ins, kh, kw] = w.shape;
      const out = (i: number) => Math.floor(i / (ins * kh * kw));
      const into = (i: number) => {
        const group = Math.floor(out(i) / (outs / groups.data[0]));
        return group * ins + (Math.floor(i / (kh * kw)) % ins);
      };
      return { y: inChannels(y, zeros.map(out)), dx: inChannels(x, zeros.map(into)) };
    },
  };
}

function rsignBinaryConv(isBnext: boolean): Case {
  const { estimator } = signs[isBnext ? "rsign_bnext" : "rsign_reactnet"];
  return {
    mode: "training",
    leaves: ["x", "bias", "w"],
    build(b, file) {
      const t = b.op("bias", ["x", "bias"]);
      const bits = b.op("sign", [t], { ...sign, estimator });
      const { w, leaf } = binarised(b, isBnext ? "bnext" : "reactnet");
      const attrs = geometry({ ...file, groups: { shape: [], data: Float32Array.of(1) } });
      return { y: b.op("binary-conv", [bits, w], attrs), leaf: { w: leaf } };
    },
  };
}

const rprelu: Case = {
  mode: "training",
  leaves: ["x", "bias1", "slope", "bias2"],
  build(b) {
    const bent = b.op("prelu", [b.op("bias", ["x", "bias1"]), "slope"]);
    return { y: b.op("bias", [bent, "bias2"]) };
  },
};

function squeezeExcite(gate: string): Case {
  const plain = { stride: [1, 1], padding: [0, 0], groups: 1 };
  return {
    mode: "training",
    leaves: ["x", "w1", "b1", "w2", "b2"],
    build(b) {
      const pooled = b.op("global-average-pool", ["x"]);
      const narrow = b.op("bias", [b.op("conv", [pooled, "w1"], plain), "b1"]);
      const wide = b.op("conv", [b.op("relu", [narrow]), "w2"], plain);
      return { y: b.op(gate, [b.op("bias", [wide, "b2"])], gate === "softmax" ? { axis: 1 } : {}) };
    },
  };
}

function binarised(b: GraphBuilder, family: "bnext" | "reactnet"): { w: string; leaf: string } {
  if (family === "reactnet")
    return { w: b.op("binarize-weight", ["w"], reactnetWeight), leaf: "w" };
  const leaf = b.op("clamp", ["w"], clamp, "w_after");
  return { w: b.op("binarize-weight", [leaf, "temperature"], bnextWeight), leaf };
}

function geometry({ stride, padding, groups }: File) {
  const [s, p] = [stride.data[0], padding.data[0]];
  return { stride: [s, s], padding: [p, p], groups: groups.data[0], padValue: 0 };
}

function inChannels({ shape }: Tensor, channels: readonly number[]): (i: number) => boolean {
  return (i) => channels.includes(Math.floor(i / (shape[2] * shape[3])) % shape[1]);
}

/** Forward and backward as one graph; outputs y and d<leaf>, and w_after where it is computed. */
function graphOf({ leaves, build, mode }: Case, file: File): Graph {
  const b = new GraphBuilder("golden");
  const known = new Set([...leaves, "temperature"].filter((name) => name in file));
  for (const name of known) b.input(name, file[name].shape);
  const { y, leaf = {} } = build(b, file);
  b.output("y", y);
  if (file.w_after) b.output("w_after", "w_after");
  const gradients = backward(b, y, b.input("gy", file.gy.shape), mode);
  for (const name of leaves) b.output(`d${name}`, gradients.get(leaf[name] ?? name)!);
  return b.build();
}

function expectNear(
  actual: Tensor,
  expected: Tensor,
  label: string,
  skip: (i: number) => boolean = () => false,
): void {
  const largest = Math.max(...Array.from(expected.data, Math.abs));
  const differences = Array.from(expected.data, (value, i) =>
    skip(i) ? 0 : Math.abs(value - actual.data[i]),
  );
  expect(actual.data.length, label).toBe(expected.data.length);
  expect(Math.max(...differences), label).toBeLessThanOrEqual(1e-5 * largest + 1e-6);
}

const folder = shared("goldens/ops");
const names = folder ? readdirSync(folder).map((name) => name.replace(/\.npz$/, "")) : [];
const covered = names.filter((name) => caseOf(name));

describe.skipIf(!folder)("goldens of single ops", () => {
  test("all are here", () => expect(covered).toHaveLength(62));

  it.each(covered)("%s", async (name) => {
    const wanted = caseOf(name)!;
    const file = readNpz(`${folder}/${name}.npz`);
    const graph = graphOf(wanted, file);
    const feeds = Object.fromEntries(graph.inputs.map((input) => [input.name, file[input.name]]));
    const { mode } = wanted;
    const touched = wanted.touched?.(file) ?? {};
    const engines = {
      oracle: evaluate(graph, feeds, {}, { mode }).outputs,
      portable: await runOnnx(toOnnx(graph, { target: "portable", mode }), feeds),
      cpu: await runOnnx(toOnnx(graph, { target: "cpu", mode }), feeds),
      webgpu: await runOnnx(toOnnx(graph, { target: "webgpu", mode }), feeds),
    };
    for (const [engine, outputs] of Object.entries(engines))
      for (const output of Object.keys(graph.outputs)) {
        const label = `${name}, ${engine}: ${output}`;
        expectNear(outputs[output], file[output], label, touched[output]);
      }
  });

  it.each(["binconv_int_s1", "binconv_int_s2"])("%s, exactly", async (name) => {
    const file = readNpz(`${folder}/${name}.npz`);
    const b = new GraphBuilder(name);
    const bits = b.op("sign", [b.input("x", file.x.shape)], sign);
    const w = b.op("binarize-weight", [b.input("w", file.w.shape)], bnextWeight);
    b.output("y", b.op("binary-conv", [bits, w], geometry(file)));
    const feeds = { x: file.x, w: file.w };
    const { y } = evaluate(b.build(), feeds, {}).outputs;
    expect([...y.data]).toEqual([...file.y.data]);
    const onnx = await runOnnx(toOnnx(b.build(), { target: "cpu" }), feeds);
    expect([...onnx.y.data]).toEqual([...file.y.data]);
  });
});
