import { basename } from "node:path";
import { shown } from "../terminal.js";
import type { BenchResult } from "./inference.js";
import { type BenchReport, busyLine } from "./report.js";
import {
  type Columns,
  handicapLines,
  kernelColumns,
  latencyColumns,
  limitLines,
} from "./tables.js";

/** The results as a page for docs/, with the command that makes it; files without their folders. */
export function benchPage(report: BenchReport, command: string): string {
  const { kernels } = report;
  const results = report.results.map((row) => ({ ...row, subject: basename(row.subject) }));
  const sections = [
    ["# Benchmarks", header(report, command)],
    results.length ? ["## Networks", networks(results)] : [],
    scaling(results).rows.length ? ["## Threads", markdownTable(scaling(results))] : [],
    kernels ? ["## Kernels", kernelSection(kernels)] : [],
    ["## Against a network that cannot be exported badly", mobileNet],
    ["## How it is measured", method],
  ];
  return `${sections.flat().join("\n\n")}\n`;
}

function header(report: BenchReport, command: string): string {
  const { machine, version } = report;
  const busy = busyLine(report);
  const { cpu, cores, memoryGiB, platform, node } = machine;
  return [
    `onebit ${version}, Node ${node}, ${platform}, ${cpu}, ${cores} cores, ${memoryGiB} GiB.`,
    ...(busy ? ["", `**Note:** ${busy}.`] : []),
    "",
    "```",
    command,
    "```",
    "",
    "`npm run bench:docs` runs the benchmarks and writes this page anew.",
  ].join("\n");
}

function networks(results: readonly BenchResult[]): string {
  const marked = handicapLines(results).map((line) => `- ${line.replace(/^\* /, "")}`);
  const batch = results[0].batch === 1 ? "One image" : `${results[0].batch} images`;
  return [
    `${batch} per run, random weights where a network is named by its architecture: speed does not depend on them. G MAC/s counts every multiply-accumulate of the network, of whatever width; "bare conv" is what a float convolution alone (3x3, 256 channels, 14x14) reaches on that engine in the same turns.`,
    "",
    mapsLine(results),
    "",
    markdownTable(latencyColumns(results)),
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
    `10^9 multiply-adds per second of each binary convolution alone, ${kernels.threads === 1 ? "one thread" : `${kernels.threads} threads`}, accumulators stored as floats; beside it the float convolution of the same shape on the peers. Clock of the core meanwhile: ${kernels.clockGHz.toFixed(2)} GHz.`,
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

const mobileNet = `A float peer may be slow because its graph was exported badly. A float network that others publish
for the same runtime is free of that doubt. MobileNetV2 at 224x224 is about as accurate as BNext-T on
ImageNet: 72.0 % in its article and 69.5 % for the file named here, against 72.4 %. Take
\`mobilenetv2-12.onnx\` from the ONNX Model Zoo (github.com/onnx/models, folder
\`validated/vision/classification/mobilenet/model\`, kept with Git LFS; the same folder of
huggingface.co/onnxmodelzoo/legacy_models), then:

\`\`\`
npx onebit bench bnext-t --threads 1,2 --against onnxruntime,onnxruntime-web,mobilenetv2-12.onnx
\`\`\`

Every ONNX file works: its input is made from its own metadata, on each runtime that is named.
onnxruntime-web is not a dependency of onebit: \`npm install onnxruntime-web\`. To have the file in
this page: \`npm run bench:docs -- --against onnxruntime,onnxruntime-web,mobilenetv2-12.onnx\`.`;

const method = `- All competitors run in turns (A B C A B C ...), so that a slow moment of the machine meets all of
  them. A turn is 30 ms of runs, one at least, that bring the weights back into the caches, and one
  that is timed. Before the first turn each runs for 200 ms: V8 needs about 50 ms until its code is
  compiled for good.
- Peers get the same network as a float graph at its best: 1-bit weights as -1 and +1, constants and
  batch-norms folded, weights as initialisers, every graph optimisation on.
- Idle threads of ONNX Runtime do not spin through the turns of others (\`force_spinning_stop\`); those
  of ONNX Runtime Web spin for 20 ms, which the runs at the start of a turn outlast.
- Load: from the bytes of the model until it can run, in the process of the benchmark; the median of
  the first load and four more. Cold load: importing onebit and loading the file in a new process
  that has done nothing else, in milliseconds from the import on; the median of five processes.
- RSS: growth of the process's resident memory by loading and the first run. Arena: what onebit plans
  for the values of one image, weights apart.
- A peer below 60 % of its bare convolution rate is marked, with the ops that cost it, from
  onnxruntime-node's profile of the same graph.`;
