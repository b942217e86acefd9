import { trainingGraph } from "@onebit/train";
import type { Command } from "commander";
import { predictTrainingMemory, type Summary, summarize } from "onebit/cost";
import { buildModel } from "onebit/models";
import {
  type ArchitectureFlags,
  addArchitectureOptions,
  architectureOptions,
  wholeNumber,
} from "../architecture.js";
import { isFile, openFloatGraph } from "../models-on-disk.js";
import { bytes, count, type Output, percent, si, table, terminalOutput } from "../terminal.js";

interface Flags extends ArchitectureFlags {
  readonly ends: string;
  readonly train?: boolean;
  readonly batch?: string;
  readonly layers?: boolean;
  readonly json?: boolean;
}

export function registerSummary(program: Command): void {
  addArchitectureOptions(
    program
      .command("summary <arch|file>")
      .description("parameters, multiply-accumulates by bit width, OPs and sizes, per block"),
  )
    .option("--layers", "one row per layer instead of one per block")
    .option("--train", "also what one training step takes: arithmetic, passes, peak memory")
    .option("--batch <n>", "batch of the training step (default 64)")
    .option("--json", "one JSON document")
    .action(summary);
}

async function summary(subject: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const options = architectureOptions(flags);
  const graph = (batch: number) =>
    isFile(subject) ? openFloatGraph(subject, batch) : buildModel(subject, { ...options, batch });
  const inference = await graph(1);
  const float32 = summarize(inference);
  const quantised = summarize(inference, { ends: "8-4-8" });
  const training = flags.train
    ? await trainingCost(graph, wholeNumber("--batch", flags.batch) ?? 64)
    : undefined;
  const quantisedEnds = { ops: quantised.ops, bytes: quantised.bytes };
  out.result({ ...float32, ends848: quantisedEnds, training });
  out.line(flags.layers ? layerTable(float32) : blockTable(float32));
  printTotals(out, float32, quantised);
  if (training) printTraining(out, training);
}

async function trainingCost(graph: (batch: number) => Promise<GraphOf> | GraphOf, batch: number) {
  const whole = trainingGraph(await graph(batch));
  const { macs, elementwise, bytesMoved, passes } = summarize(whole);
  return { batch, macs, elementwise, bytesMoved, passes, memory: predictTrainingMemory(whole) };
}

type GraphOf = ReturnType<typeof buildModel>;

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

function printTotals(out: Output, float32: Summary, quantised: Summary): void {
  const { parameters, binaryParameters, macs, binaryMacs } = float32;
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
    [
      "OPs, published counting",
      si(float32.ops),
      `${si(quantised.ops)} with 8-4-8 bit stem, gates, classifier`,
    ],
    [
      "element-wise, forward",
      si(float32.elementwise),
      `${float32.passes} passes, ${bytes(float32.bytesMoved)} moved`,
    ],
    ["size, float32", bytes(float32.bytes.float32), ""],
    [
      "size, packed",
      bytes(float32.bytes.packed),
      `${bytes(quantised.bytes.packed)} with 8-4-8 bit stem, gates, classifier`,
    ],
  ];
  out.line();
  out.line(table([`${float32.name}, batch 1`, "", ""], rows, ["left", "right", "left"]));
}

function printTraining(out: Output, training: Awaited<ReturnType<typeof trainingCost>>): void {
  const { batch, macs, elementwise, bytesMoved, passes, memory } = training;
  const rows = [
    ["multiply-accumulates", si(macs), ""],
    ["element-wise", si(elementwise), `${passes} passes, ${bytes(bytesMoved)} moved`],
    [
      "peak memory",
      bytes(memory.total),
      `${bytes(memory.values)} values at ${memory.peak}, ${bytes(memory.state)} state`,
    ],
  ];
  out.line();
  out.line(table([`training step, batch ${batch}`, "", ""], rows, ["left", "right", "left"]));
}
