import { GraphBuilder } from "../graph/builder.js";
import type { Graph, Tensor } from "../graph/types.js";
import { buildModel } from "../models/build-model.js";
import type { OnnxTarget } from "../onnx/lowering.js";
import { ops } from "../ops/index.js";
import { pack } from "../pack/index.js";
import { translators } from "../pack/translators.js";
import { MICRO_OP_NAMES, MICRO_OPS } from "../program/micro-ops.js";
import type { Program } from "../program/types.js";
import { drawTensor, randomStream } from "./draw.js";
import { goldenNetworks } from "./golden-networks.js";
import { loweredOpTypes } from "./op-graphs.js";
import { type OpSample, opSamples } from "./op-samples.js";

/** Texts of the sources that the page quotes. */
export interface Sources {
  /** ops/*.ts by file name, tests left out. */
  readonly ops: { readonly [file: string]: string };
  /** ops/goldens.test.ts */
  readonly goldens: string;
  /** program/micro-ops.ts and program/types.ts */
  readonly microOps: string;
  readonly steps: string;
}

/** docs/ops.md, from the registries and from what tests check. */
export function opsPage(sources: Sources): string {
  const rows = Object.keys(ops)
    .toSorted()
    .map((name) => opRow(name, sources));
  return `# Ops, steps and micro-ops

Written by \`npm run docs:ops\` from the registries and from what tests check; a test fails where it is
stale. A graph is made of ops; \`pack\` turns it into a program of steps, each with an epilogue of
micro-ops. How to add one: [CONTRIBUTING.md](../CONTRIBUTING.md).

## Ops of graphs

*Gradient*: compared with finite differences in float64, or that of a straight-through estimator,
compared with its closed form; ops without one end the backward pass or belong to it. *ONNX*: what a
portable file has, each target run on ONNX Runtime and compared with the TypeScript evaluation. *Packed
as*: steps and micro-ops for the sample that is checked; "-": only in training, or of constants, which
packing computes. *Golden*: compared with values that the official PyTorch code computed, alone (value
and gradient) or in networks.

${table(["op", "attributes", "computes", "gradient", "ONNX", "packed as", "golden"], rows)}

## Steps of programs

Every backend computes all of them, with the same bits (\`packages/core/src/runtime/backends/conformance.test.ts\`).

${table(["step", "computes"], stepRows(sources.steps))}

## Micro-ops of epilogues

Registers r, q, p, y; per-channel tensors s, t, a; values v. The same in TypeScript, WebAssembly and C++
(\`packages/core/src/runtime/backends/wasm/epilogue.test.ts\`, random programs).

${table(["micro-op", "operands", "computes"], microOpRows(sources.microOps))}
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)].join("\n");
}

function opRow(name: string, sources: Sources): string[] {
  const { doc, attributes } = declarationOf(name, sources.ops);
  return [
    `\`${name}\``,
    attributes.map((attribute) => `\`${attribute}\``).join(", "),
    firstSentence(doc),
    gradientOf(samplesOf(name)),
    onnxOf(name),
    packedAs(name),
    goldenOf(name, sources.goldens),
  ];
}

/** Docstring and attributes of the op that a file of ops/ exports under that name. */
function declarationOf(name: string, files: Sources["ops"]) {
  for (const text of Object.values(files)) {
    for (const [, doc, type] of text.matchAll(DECLARATION)) {
      const [declared] =
        /(?<=name: |\()"[^"]+"/.exec(text.slice(text.indexOf(doc) + doc.length)) ?? [];
      if (declared !== `"${name}"`) continue;
      return { doc, attributes: type ? fieldsOf(type, files) : [] };
    }
  }
  throw new Error(`${name}: no docstring before its export in ops/`);
}

const DECLARATION = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export const \w+(?:: Op(?:<(\w+)>)?)? =/g;

function fieldsOf(type: string, files: Sources["ops"]): string[] {
  const declared = new RegExp(`type ${type} = (?:(\\w+) & )?\\{([^}]*)\\}`);
  for (const text of Object.values(files)) {
    const [, parent, body] = declared.exec(text) ?? [];
    if (body === undefined) continue;
    const own = [...body.matchAll(/readonly (\w+)\??:/g)].map(([, field]) => field);
    return parent ? [...fieldsOf(parent, files), ...own] : own;
  }
  throw new Error(`${type}: not found in ops/`);
}

/** On one line, without what follows a semicolon: gradients have a column of their own. */
function firstSentence(doc: string): string {
  const text = doc.replace(/^\s*\* ?/gm, "").trim();
  const [first] = text.split(/\n\s*\n|(?<=[^.\d])\.\s|\.$|;/);
  return first
    .replace(/\s+/g, " ")
    .replace(/[:,.]$/, "")
    .trim();
}

function samplesOf(name: string): readonly OpSample[] {
  if (Object.hasOwn(opSamples, name)) return opSamples[name];
  throw new Error(
    `${name}: has no inputs and attributes in packages/core/src/test-support/op-samples.ts: see "An op" in CONTRIBUTING.md`,
  );
}

function gradientOf(samples: readonly OpSample[]): string {
  if (samples.every(({ wanted = [] }) => wanted.length === 0)) return "none";
  return samples.some(({ estimated }) => estimated) ? "estimator" : "finite differences";
}

const TARGETS: readonly OnnxTarget[] = ["portable", "cpu", "webgpu"];

/** Op types of the portable form, then of others where they are not the same. */
function onnxOf(name: string): string {
  const types = (target: OnnxTarget) => {
    const all = samplesOf(name).flatMap((sample) => {
      const lowered = loweredOpTypes(graphOf(name, sample), target, sample.mode ?? "inference");
      return lowered.slice(sample.bools?.length ?? 0);
    });
    return [...new Set(all)].join(", ") || "nothing";
  };
  const [portable, ...others] = TARGETS.map(types);
  const different = others.flatMap((list, i) => {
    return list === portable ? [] : [`${TARGETS[i + 1]}: ${list}`];
  });
  return [portable, ...different].join("; ");
}

function graphOf(op: string, { shapes, attrs = {}, bools = [] }: OpSample): Graph {
  const b = new GraphBuilder(op);
  const inputs = shapes.map((shape, i) => {
    const x = b.input(`x${i}`, shape);
    return bools.includes(i) ? b.op(MAKES_BOOL, [x, x]) : x;
  });
  for (const [i, y] of b.opOutputs(op, inputs, attrs, "y").entries()) b.output(`y${i}`, y);
  return b.build();
}

/** No input is bool. */
const MAKES_BOOL = "equal";

function packedAs(name: string): string {
  if (!(name in translators)) return "-";
  const forms = samplesOf(name).flatMap((sample) => packedSample(name, sample) ?? []);
  if (forms.length === 0) throw new Error(`${name}: none of its samples can be packed`);
  return [...new Set(forms)].join(", or ");
}

/** Undefined where a sample has no packed form. */
function packedSample(op: string, sample: OpSample): string | undefined {
  try {
    const { graph, tensors } = sampleNetwork(op, sample);
    const parts = partsOf(pack(graph, tensors).program);
    // The signs that it wants are another op's.
    const own = op in OF_SIGNS ? parts.filter((part) => part !== "bits") : parts;
    return own.map((part) => `\`${part}\``).join(" + ") || "nothing";
  } catch (error) {
    const { message } = error as Error;
    if (message.endsWith("has no outputs")) return "nothing";
    if (/cannot be packed|one input|padded map/.test(message)) return undefined;
    throw error;
  }
}

/** The op on one image: inputs of the first one's shape are the image, others are constants. */
function sampleNetwork(op: string, { shapes, attrs = {}, low = 0.1 }: OpSample) {
  const b = new GraphBuilder(op);
  const tensors: { [key: string]: Tensor } = {};
  const random = randomStream(1);
  const [first] = shapes;
  const image = b.input("x", [1, ...first.slice(1)]);
  const inputs = shapes.map((shape, i) => {
    if (i === 0 || shape.join() === first.join()) return image;
    tensors[`t${i}`] = drawTensor(shape, { low, high: 2 }, random);
    const init = { kind: "constant", value: 1 } as const;
    return b.tensor(`t${i}`, { shape, kind: "parameter", role: "other", init });
  });
  const signs = Object.hasOwn(OF_SIGNS, op) ? inputs.map((input) => signsOf(b, input)) : inputs;
  const [y] = b.opOutputs(op, signs, attrs, "y");
  b.output("y", op === "replicate-pad" ? convolved(b, y, tensors) : y);
  return { graph: b.build(), tensors };
}

/** Ops that packing knows of signs only. */
const OF_SIGNS: { readonly [op: string]: true } = {
  ...{ "binary-conv": true, logic: true, "replicate-pad": true },
};

function signsOf(b: GraphBuilder, x: string): string {
  const estimator = { estimator: "clip", range: 1, zero: -1 };
  const isWeight = b.shape(x)[0] !== 1;
  if (isWeight) return b.op("binarize-weight", [x], { scale: "none", ...estimator });
  return b.op("sign", [x], estimator);
}

/** Who alone reads a map with replicated borders. */
function convolved(b: GraphBuilder, x: string, tensors: { [key: string]: Tensor }): string {
  const shape = [1, b.shape(x)[1], 3, 3];
  tensors.w = { shape, data: new Float32Array(9 * shape[1]).fill(1) };
  const init = { kind: "constant", value: 1 } as const;
  const w = b.tensor("w", { shape, kind: "parameter", role: "binary", init });
  const attrs = { stride: [1, 1], padding: [0, 0], groups: 1, padValue: 0 };
  return b.op("binary-conv", [x, w], attrs);
}

/** Steps but those that only run an epilogue; micro-ops but those that only move a value. */
function partsOf({ steps }: Program): string[] {
  const parts = steps.flatMap(({ kind, epilogue }) => {
    const ops = epilogue.map(([op]) => op).filter((op) => op !== "load");
    const isOnlyMoved = ops.join() === "store" || ops.some((op) => op !== "store");
    const named = isOnlyMoved ? ops.filter((op) => op !== "store") : ops;
    return kind === "pointwise" ? named : [kind, ...named];
  });
  return [...new Set(parts)];
}

function goldenOf(name: string, goldens: string): string {
  const alone = goldens.includes(`"${name}"`) ? ["alone"] : [];
  const inNetworks = networkOps().has(name) ? ["in networks"] : [];
  return [...alone, ...inNetworks].join(", ");
}

let opsOfNetworks: ReadonlySet<string> | undefined;

function networkOps(): ReadonlySet<string> {
  opsOfNetworks ??= new Set(
    goldenNetworks.flatMap(({ model, options }) => {
      return buildModel(model, options).nodes.map(({ op }) => op);
    }),
  );
  return opsOfNetworks;
}

function stepRows(types: string): string[][] {
  const declared =
    /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*export interface \w+Step extends StepBase \{\s*readonly kind: "([\w-]+)"/g;
  return [...types.matchAll(declared)].map(([, doc, kind]) => [`\`${kind}\``, firstSentence(doc)]);
}

function microOpRows(text: string): string[][] {
  const lines = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*"?([\w-]+)"?: \["/g;
  const formulas = new Map([...text.matchAll(lines)].map(([, doc, name]) => [name, doc]));
  return MICRO_OP_NAMES.map((name) => {
    const formula = formulas.get(name);
    if (formula === undefined) throw new Error(`${name}: no formula in program/micro-ops.ts`);
    return [`\`${name}\``, MICRO_OPS[name].join(", "), firstSentence(formula)];
  });
}
