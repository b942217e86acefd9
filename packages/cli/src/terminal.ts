import Table from "cli-table3";
import { UsageError, visible } from "onebit";
import { stdoutColors as colors, LINE_END } from "./colors.js";
import { fitColumns, GAP } from "./fit-columns.js";
import { sendable, sendableJson } from "./foreign-text.js";
import { isStdout } from "./output-file.js";
import { send } from "./streams.js";

/** What every command prints with: results to stdout, everything else to stderr. */
export interface Output {
  readonly json: boolean;
  readonly jsonl: boolean;
  /** A line for people, with empty ones around it if need be; silent where a machine reads stdout. */
  line(text?: string): void;
  /** The result as one JSON document (--json). */
  result(value: unknown): void;
  /** One item or event (--jsonl). */
  item(value: unknown): void;
  /** A message that belongs in no result: warnings, progress, notes. */
  note(text: string): void;
}

export interface OutputFlags {
  readonly json?: boolean;
  readonly jsonl?: boolean;
  /** Files that a command writes; where one is stdout, lines for people go to stderr. */
  readonly output?: string;
  readonly preview?: string;
  readonly markdown?: string;
}

export function terminalOutput(flags: OutputFlags): Output {
  const { json = false, jsonl = false } = flags;
  const quiet = json || jsonl;
  const file = [flags.output, flags.preview, flags.markdown].find(isStdout);
  if (quiet && file !== undefined) {
    throw new UsageError(
      `${file} is standard output, and so is where --json${jsonl ? "l" : ""} prints: write one of them to a file`,
    );
  }
  const people = file === undefined ? process.stdout : process.stderr;
  return {
    json,
    jsonl,
    line: (text = "") => {
      if (quiet) return;
      const [, before, body, after] = /^(\n?)(.*?)(\n?)$/s.exec(text)!;
      send(people, `${before}${sendable(body)}${after}\n`);
    },
    result: (value) => {
      if (json) send(process.stdout, `${sendableJson(value, 2)}\n`);
    },
    item: (value) => {
      if (jsonl) send(process.stdout, `${sendableJson(value)}\n`);
    },
    note: (text) => send(process.stderr, `${sendable(text)}\n`),
  };
}

export type Cell = string | number;

type Align = "left" | "right";

/**
 * A plain table; without `align`, the first column is left, the others right. A title of the first column
 * alone stands above, however long it is. On a terminal it is as wide as that: see fitColumns.
 */
export function table(
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  align: readonly Align[] = head.map((_, i) => (i ? "right" : "left")),
  width = (process.stdout.isTTY && process.stdout.columns) || Number.POSITIVE_INFINITY,
): string {
  const isHeading = head.slice(1).every((title) => title === "");
  const titles = isHeading ? [] : head.map(shown);
  const cells = rows.map((row) => row.map(shown));
  const columns = head.map((_, i) => ({
    cells: [...(isHeading ? [] : [titles[i]]), ...cells.map((row) => row[i] ?? "")],
    isText: align[i] === "left",
  }));
  const groups = fitColumns(columns, width).map(({ columns, widths }) => {
    const chosen = <T>(all: readonly T[]) => columns.map((i) => all[i]);
    return tableOf(isHeading ? [] : chosen(titles), cells.map(chosen), chosen(align), widths);
  });
  const heading = isHeading ? [colors.bold(shown(head[0]))] : [];
  const lines = [...heading, ...groups.join("\n\n").split("\n")];
  return lines.map((line) => line.trimEnd()).join(LINE_END);
}

function tableOf(
  titles: readonly string[],
  rows: readonly (readonly string[])[],
  align: readonly Align[],
  widths: readonly number[],
): string {
  const built = new Table({
    head: titles.map((title) => colors.bold(title)),
    colAligns: [...align],
    colWidths: widths.map((width) => width + GAP),
    wordWrap: true,
    style: { head: [], border: [], "padding-left": 0, "padding-right": GAP },
    chars: borderless,
  });
  for (const row of rows) built.push([...row]);
  return built.toString();
}

/** Longer ones are no names that anybody gave. */
const LONGEST_CELL = 500;

/** A name as one can look at it, on one line. */
export function shown(cell: Cell): string {
  return visible(String(cell), LONGEST_CELL);
}

const borderless = Object.fromEntries(
  ["top", "bottom", "left", "right"]
    .flatMap((side) => [side, `${side}-mid`, `${side}-left`, `${side}-right`])
    .concat("mid", "mid-mid", "left-mid", "middle")
    .map((name) => [name, ""]),
);

/** 30862236 -> "30,862,236". */
export function count(value: number): string {
  return Math.round(value).toLocaleString("en-US");
}

/** 0.9154 -> "91.54 %". */
export function percent(fraction: number, digits = 2): string {
  return `${(100 * fraction).toFixed(digits)} %`;
}

/** 4.82e9 -> "4.82 G"; below a thousand whole numbers. */
export function si(value: number): string {
  const rounded = Number(value.toPrecision(3));
  const [scale, unit] = siUnits.find(([limit]) => rounded >= limit) ?? [1, ""];
  if (scale === 1) return String(Math.round(value));
  return `${(rounded / scale).toPrecision(3)} ${unit}`;
}

const siUnits: readonly (readonly [number, string])[] = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Bytes as kB, MiB or GiB, the units of the published tables. */
export function bytes(value: number): string {
  if (value < 1e6) return `${(value / 1e3).toFixed(1)} kB`;
  if (value < 2 ** 30) return `${(value / 2 ** 20).toFixed(2)} MiB`;
  return `${(value / 2 ** 30).toFixed(2)} GiB`;
}

/** 83 -> "1:23". */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return minutes < 60
    ? `${minutes}:${rest}`
    : `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, "0")}:${rest}`;
}
