import { basename } from "node:path";
import { trainingGraph } from "@onebit/train";
import { modelKind, openPacked } from "@onebit/train/subjects";
import { predictTrainingMemory, type Summary, summarize } from "onebit/cost";
import type { Graph } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { pack, unpack } from "onebit/pack";
import { forOutputs, type Program, programCost } from "onebit/program";
import { counted } from "onebit/words";
import { type Amounts, type Energy, energyOf, NAMES } from "../energy/energy.js";
import { ENERGY_TABLES, type EnergyTable, energyTable, type Priced } from "../energy/table.js";
import { architectureFlags, architectureOptions } from "../flags/architecture.js";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { type FlagValues, flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { onnxFlags } from "../flags/onnx.js";
import { words } from "../flags/readers.js";
import { train } from "../flags/train.js";
import { isFile, openFloatGraph } from "../models-on-disk.js";
import { onnxSummary } from "../onnx-summary.js";
import { summarizePacked } from "../packed-summary.js";
import { randomNetwork } from "../subjects/both-forms.js";
import { bytes, count, type Output, percent, si, table, terminalOutput } from "../terminal.js";

const flags = [
  flag("--layers", "one row per layer instead of one per block").of({
    kinds: ["packed", "float", "architecture"],
    others: "has no layers that are counted",
  }),
  train.means("also what one training step takes: arithmetic, passes, peak memory").of({
    kinds: ["float", "architecture"],
    others: "is not trained",
  }),
  batch
    .means("batch of the training step")
    .otherwise("64")
    .needs(train, "everything else is counted for one image"),
  flag(
    "--energy <table>",
    `joules of an image by published prices: ${Object.keys(ENERGY_TABLES).join(", ")}, or a JSON file`,
    words,
  ).of({
    kinds: ["packed", "architecture"],
    others: "runs on ONNX Runtime, whose arithmetic nobody priced here",
    instead: { float: "pack it first" },
  }),
  json,
  ...architectureFlags,
  ...onnxFlags,
] as const;

type Flags = FlagValues<typeof flags>;

export const summary = command({
  name: "summary",
  arguments: ["<arch|file>"],
  about: "parameters, multiply-accumulates by bit width, OPs and sizes, per block",
  flags,
  async run([subject], flags, given) {
    const kind = isFile(subject) ? await modelKind(subject, "network") : "architecture";
    given.checkScope({ path: subject, kind });
    if (kind === "packed") return packedSummary(subject, flags);
    if (kind === "onnx") return onnxSummary(subject, flags, terminalOutput(flags));
    return graphSummary(subject, architectureOptions(flags), flags);
  },
});

async function graphSummary(
  subject: string,
  options: Partial<ModelOptions>,
  flags: Flags,
): Promise<void> {
  const out = terminalOutput(flags);
  const graph = (batch: number): Promise<Graph> | Graph =>
    isFile(subject) ? openFloatGraph(subject, batch) : buildModel(subject, { ...options, batch });
  const inference = await graph(1);
  const float32 = summarize(inference);
  const quantised = summarize(inference, { ends: "8-4-8" });
  const prices = flags.energy === undefined ? undefined : await energyTable(flags.energy);
  const amounts = prices && amountsOf(packedArchitecture(subject, options));
  const energy = prices && amounts && energyOf(amounts, prices);
  const { batch = 64 } = flags;
  const training = flags.train ? trainingCost(await graph(batch), batch) : undefined;
  const quantisedEnds = { ops: quantised.ops, bytes: quantised.bytes };
  out.result({
    ...{ ...float32, ends848: quantisedEnds, training },
    energy: energy && { ...energy, amounts, table: prices },
  });
  out.line(flags.layers ? layerTable(float32) : blockTable(float32));
  printTotals(out, float32, quantised);
  if (training) printTraining(out, training);
  if (energy) printEnergy(out, energy, amounts, prices);
}

/** As it will be packed: weights at the start of a training are as many as at its end. */
function packedArchitecture(name: string, options: Partial<ModelOptions>): Program {
  const { graph, tensors } = randomNetwork(name, options);
  return forInference(pack(graph, tensors).program);
}

const forInference = (program: Program): Program =>
  Object.hasOwn(program.outputs, "logits") ? forOutputs(program, ["logits"]) : program;

/** Each value that a step reads or writes counts once for the step, each weight once. */
function amountsOf(program: Program): Amounts {
  const cost = programCost(forInference(program));
  return {
    binaryMac: cost.binaryMacs,
    floatMac: cost.macs,
    elementwise: cost.elementwise,
    weightByte: cost.weightBytes,
    activationByte: cost.activationBytes,
  };
}

function printEnergy(out: Output, energy: Energy, amounts: Amounts, table_: EnergyTable): void {
  const { joules, parts, arithmeticIntensity, ace } = energy;
  const rows = (Object.keys(NAMES) as Priced[]).map((what) => [
    NAMES[what],
    si(amounts[what]),
    joulesText(parts[what]),
  ]);
  rows.push(["together", "", joulesText(joules)]);
  rows.push(["multiply-adds for each byte", arithmeticIntensity.toFixed(1), ""]);
  rows.push(["ACE (PokeBNN)", si(ace), ""]);
  out.line();
  out.line(table([`energy of an image, ${table_.process}`, "", ""], rows));
  for (const note of [table_.source, ...table_.notes]) out.note(`note: ${note}`);
}

const joulesText = (joules: number) =>
  joules < 1e-3 ? `${(joules * 1e6).toPrecision(3)} uJ` : `${(joules * 1e3).toPrecision(3)} mJ`;

/** Counted from the file: its float equivalent's arithmetic, its own bits and bytes. */
async function packedSummary(path: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const table_ = flags.energy === undefined ? undefined : await energyTable(flags.energy);
  const { program, tensors, bytes: file } = await openPacked(path);
  const { graph } = unpack(program, tensors, basename(path));
  const packed = summarizePacked(graph, file.length, { program, tensors });
  const amounts = amountsOf(program);
  const energy = table_ && energyOf(amounts, table_);
  out.result({ ...packed, energy: energy && { ...energy, amounts, table: table_ } });
  out.line(flags.layers ? layerTable(packed) : blockTable(packed));
  printTotals(out, packed);
  if (energy) printEnergy(out, energy, amounts, table_);
}

function trainingCost(network: Graph, batch: number) {
  const whole = trainingGraph(network);
  const { macs, elementwise, bytesMoved, passes } = summarize(whole);
  return { batch, macs, elementwise, bytesMoved, passes, memory: predictTrainingMemory(whole) };
}

function blockTable({ blocks }: Summary): string {
  const rows = blocks.map(({ name, shape, parameters, macs, binaryMacs, elementwise }) => [
    name,
    shape.slice(1).join("x"),
    count(parameters),
    si(macs),
    share(binaryMacs, macs),
    si(elementwise),
  ]);
  return table(["block", "output", "parameters", "MACs", "1-bit", "element-wise"], rows);
}

function layerTable({ layers }: Summary): string {
  const rows = layers.map(({ name, op, shape, parameters, macs, binaryMacs, elementwise }) => [
    name,
    op,
    shape.slice(1).join("x"),
    count(parameters),
    si(macs),
    share(binaryMacs, macs),
    si(elementwise),
  ]);
  const head = ["layer", "op", "output", "parameters", "MACs", "1-bit", "element-wise"];
  return table(head, rows, ["left", "left", "right", "right", "right", "right", "right"]);
}

function share(part: number, whole: number): string {
  return whole ? `${Math.round((100 * part) / whole)} %` : "";
}

/** quantised: the same with 8-4-8 bit ends, where the file does not say itself what they have. */
function printTotals(out: Output, float32: Summary, quantised?: Summary): void {
  const { parameters, binaryParameters, macs, binaryMacs } = float32;
  const ends = (text: string) =>
    quantised ? `${text} with 8-bit stem and classifier, 4-bit gates` : "";
  const rows = [
    [
      "parameters",
      count(parameters),
      `${count(binaryParameters)} 1-bit (${percent(float32.binaryShareOfParameters)})`,
    ],
    [
      "multiply-accumulates",
      si(macs),
      `${si(binaryMacs)} 1-bit (${percent(float32.binaryShareOfMacs)})`,
    ],
    ["OPs, published counting", si(float32.ops), ends(si(quantised?.ops ?? 0))],
    [
      "element-wise, forward",
      si(float32.elementwise),
      `${counted(float32.passes, "pass")}, ${bytes(float32.bytesMoved)} moved`,
    ],
    ["size, float32", bytes(float32.bytes.float32), ""],
    ["size, packed", bytes(float32.bytes.packed), ends(bytes(quantised?.bytes.packed ?? 0))],
  ];
  out.line();
  out.line(table([`${float32.name}, batch 1`, "", ""], rows, ["left", "right", "left"]));
}

function printTraining(out: Output, training: ReturnType<typeof trainingCost>): void {
  const { batch, macs, elementwise, bytesMoved, passes, memory } = training;
  const rows = [
    ["multiply-accumulates", si(macs), ""],
    ["element-wise", si(elementwise), `${counted(passes, "pass")}, ${bytes(bytesMoved)} moved`],
    [
      "peak memory",
      bytes(memory.total),
      `${bytes(memory.values)} values at ${memory.peak}, ${bytes(memory.state)} state`,
    ],
  ];
  out.line();
  out.line(table([`training step, batch ${batch}`, "", ""], rows, ["left", "right", "left"]));
}
