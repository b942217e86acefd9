import { counted } from "onebit/words";
import { type Cell, percent, table } from "../terminal.js";
import type { BenchResult, FailedPeer } from "./inference.js";
import type { BenchKernels, KernelResult } from "./kernels.js";

export interface Columns {
  readonly head: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

/** One row per subject, engine and number of threads; a ratio column per backend of onebit. */
export function latencyColumns(
  results: readonly BenchResult[],
  failed: readonly FailedPeer[] = [],
): Columns {
  const own = [...new Set(results.flatMap(({ ratios }) => Object.keys(ratios)))];
  const subjects = [...new Set([...results, ...failed].map(({ subject }) => subject))];
  const named = subjects.length > 1;
  const rows = results.map((result) => {
    const { subject, engine, threads, medianMs, p5Ms, p95Ms, ratios } = result;
    const { convGmacs, bareConvGmacs, loadMs, coldLoadMs, peakBytes, arenaBytes } = result;
    return [
      ...(named ? [subject] : []),
      result.handicap ? `${engine} *` : engine,
      threads,
      milliseconds(medianMs),
      `${milliseconds(p5Ms)} to ${milliseconds(p95Ms)}`,
      ...own.map((backend) => (backend in ratios ? `${ratios[backend].toFixed(2)} x` : "")),
      convGmacs.toFixed(1),
      bareConvGmacs === undefined ? "" : bareConvGmacs.toFixed(1),
      loadMs.toFixed(0),
      coldLoadMs?.toFixed(0) ?? "",
      mebibytes(peakBytes),
      arenaBytes === undefined ? "" : mebibytes(arenaBytes),
    ];
  });
  const subject = named ? ["network", "engine"] : [subjects[0] ?? ""];
  const against = own.map((backend) => `vs ${backend}`);
  const times = ["threads", "median ms", "p5 to p95", ...against];
  const costs = ["load ms", "cold load", "RSS MiB", "arena MiB"];
  const head = [...subject, ...times, "G MAC/s", "bare conv", ...costs];
  const without = failed.map(({ subject, engine, threads }) => {
    const cells = [...(named ? [subject] : []), engine, threads, "does not run"];
    return head.map((_, i) => cells[i] ?? "");
  });
  return { head, rows: [...rows, ...without] };
}

function mebibytes(bytes: number): string {
  return (bytes / 2 ** 20).toFixed(1);
}

/** Three significant digits, whatever the size. */
function milliseconds(ms: number): string {
  if (ms >= 100) return ms.toFixed(0);
  return ms >= 10 ? ms.toFixed(1) : ms.toFixed(3);
}

export function latencyTable(
  results: readonly BenchResult[],
  failed: readonly FailedPeer[] = [],
): string {
  const { head, rows } = latencyColumns(results, failed);
  const text = head[0] === "network" ? 2 : 1;
  return table(
    head,
    rows,
    head.map((_, i) => (i < text ? "left" : "right")),
  );
}

/** Why peers do not run. */
export function failedLines(failed: readonly FailedPeer[]): string[] {
  return failed.map(({ engine, threads, reason }) => {
    return `on ${engine}, ${counted(threads, "thread")}: ${reason}`;
  });
}

/** What the stars mean. */
export function handicapLines(results: readonly BenchResult[]): string[] {
  const marked = results.filter(({ handicap }) => handicap);
  return marked.map(({ subject, engine, threads, handicap }) => {
    return `* ${subject} on ${engine}, ${counted(threads, "thread")}: ${handicap}`;
  });
}

/** Joules where they were measured, and as how much of the first. */
export function joulesLines(results: readonly BenchResult[]): string[] {
  const measured = results.filter(({ joulesPerImage }) => joulesPerImage !== undefined);
  return measured.map(({ subject, engine, backend, threads, joulesPerImage }) => {
    const ratio = joulesPerImage! / measured[0].joulesPerImage!;
    const millijoules = (1e3 * joulesPerImage!).toPrecision(3);
    return `${subject} on ${engine} ${backend}, ${counted(threads, "thread")}: ${millijoules} mJ an image (${ratio.toFixed(2)}), idle power and other programs counted`;
  });
}

/** One row per shape: onebit's rate and share of the limit per backend, the rates of the peers. */
export function kernelColumns({ rows }: BenchKernels): Columns {
  const engines = rows[0]?.results.map(({ engine }) => engine) ?? [];
  const limited = (i: number) => rows.some(({ results }) => results[i].limit);
  const named = (i: number) => rows.some(({ results }) => results[i].kernel);
  const cells = (result: KernelResult, i: number) => [
    result.gmacs.toFixed(1),
    ...(limited(i) ? [result.limitShare === undefined ? "" : percent(result.limitShare, 0)] : []),
    ...(named(i) ? [result.kernel ?? ""] : []),
  ];
  const head = engines.flatMap((engine, i) => [
    engine,
    ...(limited(i) ? ["of limit"] : []),
    ...(named(i) ? ["kernel"] : []),
  ]);
  return {
    head: ["binary convolution, G MAC/s", "in", ...head],
    rows: rows.map(({ shape, networks, results }) => {
      return [shape, networks.join(" "), ...results.flatMap(cells)];
    }),
  };
}

export function kernelTable(kernels: BenchKernels): string {
  const { head, rows } = kernelColumns(kernels);
  return table(
    head,
    rows,
    head.map((title, i) => (i < 2 || title === "kernel" ? "left" : "right")),
  );
}

/** Where the limits come from, one line per form of kernel met. */
export function limitLines({ rows }: BenchKernels): string[] {
  const limits = rows.flatMap(({ results }) => results.flatMap(({ limit }) => limit ?? []));
  const byForm = new Map(limits.map((limit) => [limit.form, limit]));
  return [...byForm.values()].map(({ form, gmacs, derivation }) => {
    return `limit of ${form}: ${gmacs.toFixed(0)} G MAC/s (${derivation})`;
  });
}
