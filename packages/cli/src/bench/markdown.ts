import { basename } from "node:path";
import { counted } from "onebit/words";
import { shown } from "../terminal.js";
import { type Figures, marked } from "./figures.js";
import type { BenchResult, FailedPeer } from "./inference.js";
import { type BenchReport, busyLine } from "./report.js";
import {
  type Columns,
  failedLines,
  handicapLines,
  kernelColumns,
  latencyColumns,
  limitLines,
} from "./tables.js";

/** The results as parts of a page, with the command that makes them; files without their folders. */
export function benchFigures(report: BenchReport, command: string): Figures {
  const { kernels } = report;
  const results = report.results.map((row) => ({ ...row, subject: basename(row.subject) }));
  const failed = report.failed.map((row) => ({ ...row, subject: basename(row.subject) }));
  const threads = scaling(results);
  return {
    measured: measured(report, command),
    ...(results.length && { networks: networks(results, failed) }),
    ...(threads.rows.length && { threads: markdownTable(threads) }),
    ...(kernels && { kernels: kernelSection(kernels) }),
  };
}

/** A page of nothing but these figures, which can be inserted again into it. */
export function benchPage(figures: Figures): string {
  const sections = Object.entries(figures).map(([name, text]) => {
    const isFirst = name === "measured";
    const heading = isFirst ? "# Benchmarks" : `## ${name[0].toUpperCase()}${name.slice(1)}`;
    return `${heading}\n\n${marked(name, text)}`;
  });
  return `${sections.join("\n\n")}\n`;
}

function measured(report: BenchReport, command: string): string {
  const { machine, version } = report;
  const busy = busyLine(report);
  const { cpu, cores, memoryGiB, platform, node } = machine;
  return [
    `onebit ${version}, Node ${node}, ${platform}, ${cpu}, ${counted(cores, "core")}, ${memoryGiB} GiB.`,
    ...(busy ? ["", `**Note:** ${busy}.`] : []),
    "",
    "```",
    command,
    "```",
  ].join("\n");
}

function networks(results: readonly BenchResult[], failed: readonly FailedPeer[]): string {
  const marked = handicapLines(results).map((line) => `- ${line.replace(/^\* /, "")}`);
  const batch = results[0].batch === 1 ? "One image" : `${results[0].batch} images`;
  return [
    `${batch} per run, random weights where a network is named by its architecture: speed does not depend on them. G MAC/s counts every multiply-accumulate of the network, of whatever width; "bare conv" is what a float convolution alone (3x3, 256 channels, 14x14) reaches on that engine in the same turns.`,
    "",
    mapsLine(results),
    "",
    markdownTable(latencyColumns(results, failed)),
    ...(failed.length
      ? ["", "Does not run:", "", ...failedLines(failed).map((line) => `- ${line}`)]
      : []),
    ...(marked.length ? ["", "Below 60 % of the bare convolution rate (`*`):", "", ...marked] : []),
  ].join("\n");
}

/** Figures are for the configuration that passes the goldens, or the page says that they are not. */
function mapsLine(results: readonly BenchResult[]): string {
  if (results.every(({ maps = "float32" }) => maps === "float32")) {
    return "Maps between steps are float32: what is measured is what the tests compare with the official code.";
  }
  return "**Note:** rows with narrower maps (`--maps`) are another configuration than the one that the tests compare with the official code.";
}

/** How much faster several threads are than one, where both were measured. */
export function scaling(results: readonly BenchResult[]): Columns {
  const alone = results.filter(({ threads }) => threads === 1);
  const rows = alone.flatMap((one) => {
    const same = ({ subject, engine, threads }: BenchResult) =>
      subject === one.subject && engine === one.engine && threads > 1;
    return results.filter(same).map(({ subject, engine, threads, medianMs }) => {
      return [subject, engine, threads, `${(one.medianMs / medianMs).toFixed(2)} x`];
    });
  });
  return { head: ["network", "engine", "threads", "against one"], rows };
}

function kernelSection(kernels: NonNullable<BenchReport["kernels"]>): string {
  const limits = limitLines(kernels).map((line) => `- ${line}`);
  return [
    `10^9 multiply-adds per second of each binary convolution alone, ${kernels.threads === 1 ? "one thread" : counted(kernels.threads, "thread")}, accumulators stored as floats; beside it the float convolution of the same shape on the peers. Clock of the core meanwhile: ${kernels.clockGHz.toFixed(2)} GHz.`,
    "",
    markdownTable(kernelColumns(kernels)),
    ...(limits.length ? ["", ...limits] : []),
  ].join("\n");
}

export function markdownTable({ head, rows }: Columns): string {
  const line = (cells: readonly (string | number)[]) => {
    return `| ${cells.map((cell) => shown(cell).replaceAll("|", "\\|")).join(" | ")} |`;
  };
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
