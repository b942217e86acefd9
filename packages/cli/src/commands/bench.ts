import { measureTrainingSpeed, type TrainingSpeed } from "@onebit/train";
import type { Command } from "commander";
import { UsageError } from "onebit";
import { buildModel } from "onebit/models";
import {
  type ArchitectureFlags,
  addArchitectureOptions,
  architectureOptions,
  wholeNumber,
} from "../architecture.js";
import { type BenchResult, benchInference, benchSubject } from "../bench/inference.js";
import { machine } from "../machine.js";
import { isFile } from "../models-on-disk.js";
import { type Output, percent, table, terminalOutput, threadCount } from "../terminal.js";
import { version } from "../version.js";

interface Flags extends ArchitectureFlags {
  readonly train?: boolean;
  readonly batch?: string;
  readonly threads?: string;
  readonly json?: boolean;
}

export function registerBench(program: Command): void {
  const command = program
    .command("bench <file|arch>")
    .description("latency of a packed network against ONNX Runtime; --train: training speed")
    .option("--train", "images per second of training, and the share of convolution speed reached")
    .option("--batch <n>", "images per training step (default 64)")
    .option("--threads <n>", "threads (default 1; 2 with --train)")
    .option("--json", "one JSON document")
    .action(run);
  addArchitectureOptions(command);
}

async function run(subject: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  if (flags.train) return trainingBench(subject, flags, out);
  if (flags.batch) {
    throw new UsageError("--batch goes with --train; latency is measured for one image");
  }
  const threads = wholeNumber("--threads", flags.threads) ?? 1;
  const network = await benchSubject(subject, architectureOptions(flags));
  const results = await benchInference(network, threads);
  out.result({ machine: machine(), version: version(), results });
  out.line(latencyTable(subject, results));
}

function latencyTable(subject: string, results: readonly BenchResult[]): string {
  const [onebit] = results;
  const rows = results.map(({ engine, threads, medianMs, p5Ms, p95Ms, loadMs, convGmacs }) => [
    engine,
    threads,
    medianMs.toFixed(3),
    `${p5Ms.toFixed(3)} to ${p95Ms.toFixed(3)}`,
    `${(medianMs / onebit.medianMs).toFixed(2)} x`,
    convGmacs.toFixed(1),
    loadMs.toFixed(1),
  ]);
  const head = ["threads", "median ms", "p5 to p95", "against onebit", "G MAC/s", "load ms"];
  return table([subject, ...head], rows);
}

async function trainingBench(subject: string, flags: Flags, out: Output): Promise<void> {
  const batch = wholeNumber("--batch", flags.batch) ?? 64;
  const threads = wholeNumber("--threads", flags.threads) ?? 2;
  if (isFile(subject)) {
    throw new UsageError(`${subject}: bench --train takes an architecture, such as bnext-18`);
  }
  const network = buildModel(subject, { ...architectureOptions(flags), batch });
  const speed = await measureTrainingSpeed(network, { threads });
  out.result({ machine: machine(), version: version(), training: speed });
  out.line(speedTable(speed));
  out.line();
  out.line(opTable(speed));
}

function speedTable(speed: TrainingSpeed): string {
  const rows = [
    [
      "one step",
      `${speed.medianMs.toFixed(0)} ms`,
      `p5 to p95 ${speed.p5Ms.toFixed(0)} to ${speed.p95Ms.toFixed(0)}`,
    ],
    ["images per second", speed.imagesPerSecond.toFixed(1), ""],
    [
      "arithmetic",
      `${speed.gflops.toFixed(1)} GFLOP/s`,
      "multiply-accumulates of forward and backward",
    ],
    [
      "3x3 convolutions alone",
      `${speed.convGflops.toFixed(1)} GFLOP/s`,
      "ONNX Runtime, forward, same run",
    ],
    ["fraction", percent(speed.fraction, 1), ""],
  ];
  const title = `${speed.model}, batch ${speed.batch}, ${threadCount(speed.threads)}`;
  return table([title, "", ""], rows, ["left", "right", "left"]);
}

function opTable({ byOp }: TrainingSpeed): string {
  const total = byOp.reduce((sum, { ms }) => sum + ms, 0);
  const rows = byOp
    .slice(0, 16)
    .map(({ op, ms, calls }) => [op, calls.toFixed(0), ms.toFixed(1), percent(ms / total, 1)]);
  return table(["where a step goes", "calls", "ms", "share"], rows);
}
