import { counted } from "onebit/words";
import { bytes, type Cell, percent, si, table } from "../terminal.js";
import type { ExplainedStep, Explanation } from "./explain.js";
import { perMacLine } from "./per-mac.js";

/** Steps below this share of the total are gathered in one row, unless all are asked for. */
const SMALL = 0.005;

export function stepTable({ steps }: Explanation, all: boolean): string {
  const named = steps.some(({ kernel }) => kernel);
  const shown = all ? steps : steps.filter(({ share }) => share >= SMALL);
  const rows = shown.map((step) => stepRow(step, named));
  const rest = steps.filter((step) => !shown.includes(step));
  if (rest.length) rows.push(restRow(rest, named));
  const sizes = ["1-bit weights", "real weights", "1-bit maps", "real maps"];
  const head = ["step", "what", "ms", "share", "G MAC/s", ...sizes];
  const words = named ? ["kernel", "bits or not"] : ["bits or not"];
  const align = [...head.map((_, i) => (i < 2 ? "left" : "right")), ...words.map(() => "left")];
  return table([...head, ...words], rows, align as ("left" | "right")[]);
}

function stepRow(step: ExplainedStep, named: boolean): Cell[] {
  const { name, geometry, milliseconds, share, gmacs, bytes: moved, kernel, why } = step;
  return [
    ...[name, geometry, milliseconds.toFixed(3), percent(share, 1)],
    gmacs === undefined ? "" : gmacs.toFixed(1),
    ...widths.map((width) => bytes(moved[width])),
    ...(named ? [kernel ?? ""] : []),
    why,
  ];
}

/** What the steps left out add up to. */
function restRow(steps: readonly ExplainedStep[], named: boolean): Cell[] {
  const total = (value: (step: ExplainedStep) => number) =>
    steps.reduce((sum, step) => sum + value(step), 0);
  return [
    `${steps.length} smaller steps`,
    "",
    total(({ milliseconds }) => milliseconds).toFixed(3),
    percent(
      total(({ share }) => share),
      1,
    ),
    "",
    ...widths.map((width) => bytes(total((step) => step.bytes[width]))),
    ...(named ? [""] : []),
    "each below 0.5 %; --all shows them",
  ];
}

const widths = ["binaryWeights", "realWeights", "binaryActivations", "realActivations"] as const;

export function partTable({ parts, stepsMs, covered }: Explanation): string {
  const total = stepsMs / covered;
  const rows = parts.map(({ name, milliseconds, share, gmacs, nsPerOperation, change }) => [
    name,
    milliseconds.toFixed(3),
    percent(share, 1),
    gmacs === undefined ? "" : `${gmacs.toFixed(1)} G MAC/s`,
    nsPerOperation === undefined ? "" : `${nsPerOperation.toFixed(2)} ns`,
    `${change.what}: ${percent(1 - change.totalMs / total, 1)} less`,
  ]);
  const head = [
    "what limits the total",
    "ms",
    "share",
    "rate",
    "per operation",
    "what would change",
  ];
  return table(head, rows, ["left", "right", "right", "right", "right", "left"]);
}

/** The totals in words. */
export function summaryLines(explanation: Explanation): string[] {
  const { backend, backendReasons, threads, maps, wallMs, stepsMs, covered, steps } = explanation;
  const { nonBinaryShare, runs, parts } = explanation;
  const binaryMacs = steps.reduce((sum, step) => sum + step.binaryMacs, 0);
  const macs = binaryMacs + steps.reduce((sum, step) => sum + step.macs, 0);
  const how = [
    backend,
    counted(threads, "thread"),
    ...(maps === "float32" ? [] : [`${maps} maps`]),
  ];
  const perMac = perMacLine(explanation);
  const passed = Object.entries(backendReasons).map(([name, why]) => `without ${name}: ${why}`);
  return [
    `${how.join(", ")}: ${wallMs.toFixed(3)} ms per image (median of ${counted(runs, "run")}), steps ${stepsMs.toFixed(3)} ms, ${percent(covered, 1)} of the time covered`,
    ...passed,
    `${si(macs)} multiply-adds, ${percent(binaryMacs / macs, 1)} of them 1-bit; ${weightsInWords(steps)}`,
    ...(nonBinaryShare === undefined
      ? []
      : [`not binary convolution: ${percent(nonBinaryShare, 1)} of the time`]),
    `largest part: ${parts[0].name}, ${percent(parts[0].share, 1)}`,
    ...(perMac === undefined ? [] : [perMac]),
  ];
}

function weightsInWords(steps: readonly ExplainedStep[]): string {
  const total = (width: keyof ExplainedStep["bytes"]) =>
    steps.reduce((sum, step) => sum + step.bytes[width], 0);
  return `${bytes(total("binaryWeights"))} of 1-bit and ${bytes(total("realWeights"))} of real weights`;
}
