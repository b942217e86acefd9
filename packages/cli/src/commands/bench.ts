import { readFile } from "node:fs/promises";
import { loadavg } from "node:os";
import { basename } from "node:path";
import { loadOnnxRuntime } from "@onebit/convert";
import { type BackendName, UsageError, visible } from "onebit";
import { onebitCommand } from "onebit/words";
import { coldLoad } from "../bench/cold-load.js";
import { fastBackends } from "../bench/fast-backends.js";
import { type Figures, hasPlaces, insertFigures } from "../bench/figures.js";
import { benchInference, type InferenceBench } from "../bench/inference.js";
import { benchKernels } from "../bench/kernels.js";
import { benchFigures, benchPage } from "../bench/markdown.js";
import { parsePeers } from "../bench/peers/index.js";
import { type BenchReport, busyLine } from "../bench/report.js";
import {
  failedLines,
  handicapLines,
  joulesLines,
  kernelTable,
  latencyTable,
  limitLines,
} from "../bench/tables.js";
import { raplCounter } from "../energy/rapl.js";
import { architectureFlags, architectureOptions } from "../flags/architecture.js";
import { backendList } from "../flags/backend.js";
import { batch } from "../flags/batch.js";
import { budgetFlags, budgetOf } from "../flags/budget.js";
import { command } from "../flags/command.js";
import { type FlagValues, flag } from "../flags/flag.js";
import type { Given } from "../flags/given.js";
import { json } from "../flags/json.js";
import { mapsList } from "../flags/maps.js";
import { observe } from "../flags/observe.js";
import { wholeNumber, words } from "../flags/readers.js";
import { teacher } from "../flags/teacher.js";
import { threadList } from "../flags/threads.js";
import { train } from "../flags/train.js";
import { machine } from "../machine.js";
import { isStdout, writeOutput } from "../output-file.js";
import { bothForms, kindOf } from "../subjects/both-forms.js";
import { type Output, terminalOutput } from "../terminal.js";
import { version } from "../version.js";
import { trainingBench } from "./bench-train.js";

const kernels = flag(
  "--kernels",
  "also the rate of each binary convolution of BNext-T and ReActNet-A",
).excludes(train);

const against = flag(
  "--against <list>",
  "peers: onnxruntime, onnxruntime-web, ONNX files, or none",
  words,
)
  .otherwise("onnxruntime, where it is installed")
  .excludes(train);

const energy = flag(
  "--energy",
  "also joules of an image, by the processor's counters (Linux, RAPL)",
).excludes(train);

const markdown = flag(
  "--markdown <file>",
  "write the results as a page, or into the places of one that is there",
  words,
).excludes(train);

const flags = [
  backendList
    .means("onebit's backends, between commas")
    .otherwise("every fast one that loads here")
    .excludes(train, "that runs on ONNX Runtime"),
  threadList.otherwise("1; 2 with --train"),
  batch.means("images per run").otherwise("1; 64 with --train"),
  mapsList.excludes(train).excludes(kernels),
  against,
  kernels,
  energy,
  markdown,
  teacher
    .means(
      "instead: how much longer a step takes that learns from this network, kept or asked, in turns",
    )
    .needs(train, "only trainings learn from teachers"),
  observe
    .means("instead: what it costs to look at every layer every n steps, in turns")
    .needs(train, "only trainings are observed")
    .excludes(teacher),
  flag(
    "--beside <n>",
    "instead: n trainings on glyphs side by side, against each alone",
    wholeNumber,
  )
    .needs(train, "only trainings are run side by side")
    .excludes(teacher)
    .excludes(observe),
  train.means("instead: images per second of training, and the share of ONNX Runtime's rate"),
  json,
  ...budgetFlags.map((one) => one.excludes(train) as typeof one),
  ...architectureFlags,
] as const;

type Flags = FlagValues<typeof flags>;

export const bench = command({
  name: "bench",
  arguments: ["[file|arch...]"],
  about: "latency of packed networks against float runtimes, in turns; rates of kernels",
  flags,
  async run([subjects], flags, given) {
    const out = terminalOutput(flags);
    if (flags.train) return trainingBench(onlySubject(subjects), flags, out);
    if (!subjects.length && !flags.kernels) {
      throw new UsageError("bench: a file or an architecture is wanted, or --kernels");
    }
    for (const path of subjects) {
      given.checkScope({ path, kind: await kindOf(path) }, architectureFlags);
    }
    const against = flags.against ?? (await usualPeer(out));
    const report = await measure(subjects, { ...flags, against }, out);
    out.result(report);
    printReport(report, out);
    if (!flags.markdown) return;
    const figures = benchFigures(report, commandLine(subjects, against, given));
    await writeFigures(flags.markdown, figures, out);
  },
});

/** Into their places of the page that is there; else a page of its own. */
async function writeFigures(path: string, figures: Figures, out: Output): Promise<void> {
  const before = isStdout(path) ? "" : await readFile(path, "utf8").catch(() => "");
  if (!hasPlaces(before)) {
    await writeOutput(path, benchPage(figures));
    return out.note(`${path} written`);
  }
  const { page, homeless, old } = insertFigures(before, figures);
  await writeOutput(path, page);
  const without = homeless.length ? `; it has no place for ${homeless.join(", ")}` : "";
  const stale = old.length ? `; as they were: ${old.join(", ")}` : "";
  out.note(`${path}: figures inserted${without}${stale}`);
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
function commandLine(subjects: readonly string[], peers: string, given: Given): string {
  const names = peers.split(",").map((peer) => basename(peer));
  const others = flags.filter(
    (one) => ![against, markdown, json].some(({ root }) => root === one.root),
  );
  const words = [...subjects.map((subject) => basename(subject)), ...given.words(others)];
  return visible(onebitCommand("bench", ...words, "--against", names.join(",")));
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
  const { threads = [1], batch = 1, backend: named, maps } = flags;
  const energy = flags.energy ? await raplCounter() : undefined;
  const peers = await parsePeers(flags.against);
  const networks = [];
  for (const subject of subjects) {
    networks.push(await bothForms(subject, architectureOptions(flags)));
  }
  const backends = named ?? (await loadable(out));
  const how = { backends, threads, batch, peers, maps, budget: budgetOf(flags), note: out.note };
  const measured: InferenceBench[] = [];
  for (const network of networks) {
    measured.push(await benchInference(network, { ...how, energy, coldLoad }));
  }
  const results = measured.flatMap((bench) => bench.results);
  const failed = measured.flatMap((bench) => bench.failed);
  const kernels = flags.kernels ? await benchKernels(how) : undefined;
  return { machine: machine(), version: version(), loadAverage, results, failed, kernels };
}

/** Every fast backend; says why others were passed over. */
async function loadable(out: Output): Promise<readonly BackendName[]> {
  const { names, reasons } = await fastBackends();
  for (const [name, reason] of Object.entries(reasons)) out.note(`without ${name}: ${reason}`);
  return names;
}

function printReport(report: BenchReport, out: Output): void {
  const { results, failed, kernels } = report;
  const busy = busyLine(report);
  if (busy) out.note(busy);
  if (results.length) out.line(latencyTable(results, failed));
  for (const line of failedLines(failed)) out.line(line);
  for (const line of handicapLines(results)) out.line(line);
  for (const line of joulesLines(results)) out.line(line);
  if (!kernels) return;
  if (results.length) out.line();
  out.line(kernelTable(kernels));
  for (const line of limitLines(kernels)) out.line(line);
}
