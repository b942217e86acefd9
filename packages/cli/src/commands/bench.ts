import { loadavg } from "node:os";
import { basename } from "node:path";
import { loadOnnxRuntime } from "@onebit/convert";
import type { Command } from "commander";
import { type BackendName, UsageError, visible } from "onebit";
import {
  type ArchitectureFlags,
  addArchitectureOptions,
  architectureOptions,
  wholeNumber,
} from "../architecture.js";
import {
  addBudgetOptions,
  type BudgetFlags,
  backendChoice,
  budgetOf,
  mapsOf,
} from "../backends.js";
import { coldLoad } from "../bench/cold-load.js";
import { fastBackends } from "../bench/fast-backends.js";
import { type BenchResult, benchInference } from "../bench/inference.js";
import { benchKernels } from "../bench/kernels.js";
import { benchPage } from "../bench/markdown.js";
import { parsePeers } from "../bench/peers/index.js";
import { type BenchReport, busyLine } from "../bench/report.js";
import { benchSubject } from "../bench/subject.js";
import { handicapLines, kernelTable, latencyTable, limitLines } from "../bench/tables.js";
import { machine } from "../machine.js";
import { writeOutput } from "../output-file.js";
import { shellCommand } from "../shell.js";
import { type Output, terminalOutput } from "../terminal.js";
import { version } from "../version.js";
import { trainingBench } from "./bench-train.js";

interface Flags extends ArchitectureFlags, BudgetFlags {
  readonly train?: boolean;
  readonly kernels?: boolean;
  readonly backend?: string;
  readonly threads?: string;
  readonly batch?: string;
  readonly maps?: string;
  readonly against?: string;
  readonly markdown?: string;
  readonly json?: boolean;
}

export function registerBench(program: Command): void {
  const command = program
    .command("bench [file|arch...]")
    .description("latency of packed networks against float runtimes, in turns; rates of kernels")
    .option("--backend <list>", "onebit's backends (default: every fast one that loads here)")
    .option("--threads <list>", "numbers of threads, such as 1,2 (default 1; 2 with --train)")
    .option("--batch <n>", "images per run (default 1; 64 with --train)")
    .option(
      "--maps <list>",
      "how onebit keeps maps between steps: float32, bfloat16 (default: as the file says)",
    )
    .option(
      "--against <list>",
      "peers: onnxruntime (default, where it is installed), onnxruntime-web, ONNX files, or none",
    )
    .option("--kernels", "also the rate of each binary convolution of BNext-T and ReActNet-A")
    .option("--markdown <file>", "write the results as a page")
    .option(
      "--train",
      "instead: images per second of training, and the share of ONNX Runtime's rate",
    )
    .option("--json", "one JSON document")
    .action(run);
  addArchitectureOptions(addBudgetOptions(command));
}

async function run(subjects: readonly string[], flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  if (flags.maps && (flags.train || flags.kernels)) {
    throw new UsageError(`--maps ${flags.maps}: goes with neither --train nor --kernels`);
  }
  if (flags.train) return trainingBench(onlySubject(subjects), flags, out);
  if (!subjects.length && !flags.kernels) {
    throw new UsageError("bench: a file or an architecture is wanted, or --kernels");
  }
  const against = flags.against ?? (await usualPeer(out));
  const report = await measure(subjects, { ...flags, against }, out);
  out.result(report);
  printReport(report, out);
  if (!flags.markdown) return;
  const command = commandLine(subjects, { ...flags, against });
  await writeOutput(flags.markdown, benchPage(report, command));
  out.note(`${flags.markdown} written`);
}

/** ONNX Runtime; where it is not installed nothing, which is said with how to install it. */
async function usualPeer(out: Output): Promise<string> {
  try {
    await loadOnnxRuntime("comparing with a float runtime");
    return "onnxruntime";
  } catch (error) {
    out.note(`without a peer: ${(error as Error).message}`);
    return "none";
  }
}

type FlagsWithPeers = Flags & { readonly against: string };

/** The command as anyone would type it: files without the folders that they lie in here. */
function commandLine(subjects: readonly string[], flags: FlagsWithPeers): string {
  const against = flags.against.split(",").map((peer) => basename(peer));
  const given = [
    ...subjects.map((subject) => basename(subject)),
    ...(flags.backend ? ["--backend", flags.backend] : []),
    ...(flags.threads ? ["--threads", flags.threads] : []),
    ...(flags.batch ? ["--batch", flags.batch] : []),
    ...(flags.maps ? ["--maps", flags.maps] : []),
    ...["--against", against.join(",")],
    ...(flags.kernels ? ["--kernels"] : []),
  ];
  return visible(shellCommand("npx", "onebit", "bench", ...given));
}

function onlySubject(subjects: readonly string[]): string {
  if (subjects.length === 1) return subjects[0];
  throw new UsageError("bench --train: one architecture is wanted, such as bnext-18");
}

async function measure(
  subjects: readonly string[],
  flags: FlagsWithPeers,
  out: Output,
): Promise<BenchReport> {
  const [loadAverage] = loadavg();
  const threads = threadNumbers(flags.threads);
  const batch = wholeNumber("--batch", flags.batch) ?? 1;
  const named = flags.backend?.split(",").map((name) => backendChoice(name.trim()));
  const peers = await parsePeers(flags.against);
  const networks = [];
  for (const subject of subjects) {
    networks.push(await benchSubject(subject, architectureOptions(flags)));
  }
  const backends = named ?? (await loadable(out));
  const maps = flags.maps?.split(",").map((type) => mapsOf(type.trim())!);
  const how = { backends, threads, batch, peers, maps, budget: budgetOf(flags), note: out.note };
  const results: BenchResult[] = [];
  for (const network of networks) {
    results.push(...(await benchInference(network, { ...how, coldLoad })));
  }
  const kernels = flags.kernels ? await benchKernels(how) : undefined;
  return { machine: machine(), version: version(), loadAverage, results, kernels };
}

/** Every fast backend; says why others were passed over. */
async function loadable(out: Output): Promise<readonly BackendName[]> {
  const { names, reasons } = await fastBackends();
  for (const [name, reason] of Object.entries(reasons)) out.note(`without ${name}: ${reason}`);
  return names;
}

function threadNumbers(text = "1"): number[] {
  const numbers = text.split(",").map((part) => wholeNumber("--threads", part.trim())!);
  return [...new Set(numbers)];
}

function printReport(report: BenchReport, out: Output): void {
  const { results, kernels } = report;
  const busy = busyLine(report);
  if (busy) out.note(busy);
  if (results.length) out.line(latencyTable(results));
  for (const line of handicapLines(results)) out.line(line);
  if (!kernels) return;
  if (results.length) out.line();
  out.line(kernelTable(kernels));
  for (const line of limitLines(kernels)) out.line(line);
}
