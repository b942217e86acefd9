import { basename } from "node:path";
import { trainingGraph } from "@onebit/train";
import { modelKind, openPacked } from "@onebit/train/subjects";
import { predictTrainingMemory, type Summary, summarize } from "onebit/cost";
import type { Graph } from "onebit/graph";
import { buildModel, type ModelOptions } from "onebit/models";
import { unpack } from "onebit/pack";
import { counted } from "onebit/words";
import { architectureFlags, architectureOptions } from "../flags/architecture.js";
import { batch } from "../flags/batch.js";
import { command } from "../flags/command.js";
import { type FlagValues, flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { onnxFlags } from "../flags/onnx.js";
import { train } from "../flags/train.js";
import { isFile, openFloatGraph } from "../models-on-disk.js";
import { onnxSummary } from "../onnx-summary.js";
import { summarizePacked } from "../packed-summary.js";
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
  const { batch = 64 } = flags;
  const training = flags.train ? trainingCost(await graph(batch), batch) : undefined;
  const quantisedEnds = { ops: quantised.ops, bytes: quantised.bytes };
  out.result({ ...float32, ends848: quantisedEnds, training });
  out.line(flags.layers ? layerTable(float32) : blockTable(float32));
  printTotals(out, float32, quantised);
  if (training) printTraining(out, training);
}

/** Counted from the file: its float equivalent's arithmetic, its own bits and bytes. */
async function packedSummary(path: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const { program, tensors, bytes: file } = await openPacked(path);
  const { graph } = unpack(program, tensors, basename(path));
  const packed = summarizePacked(graph, file.length, { program, tensors });
  out.result(packed);
  out.line(flags.layers ? layerTable(packed) : blockTable(packed));
  printTotals(out, packed);
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
