import { join, resolve } from "node:path";
import { type ComparedRun, compareRuns, comparisonPage } from "@onebit/train";
import { UsageError } from "onebit";
import { command } from "../flags/command.js";
import { flag } from "../flags/flag.js";
import { json } from "../flags/json.js";
import { words } from "../flags/readers.js";
import { isStdout, writeOutput } from "../output-file.js";
import { percent, table, terminalOutput } from "../terminal.js";

export const report = command({
  name: "report",
  arguments: ["<runs...>"],
  about: "one page of several runs: curves, final figures, settings in which they differ",
  flags: [
    flag("--out <file>", "the page; - is standard output", words).byDefault("report.html"),
    json.means("one JSON document: figures, settings, epochs"),
  ],
  async run([paths], { out: file, json }) {
    const out = terminalOutput({ json, output: file });
    refuseOwnReport(paths, file);
    const comparison = await compareRuns(paths);
    await writeOutput(file, await comparisonPage(comparison));
    out.result(comparison);
    out.line(runTable(comparison.runs));
    if (!isStdout(file)) out.note(`${file} written`);
  },
});

function refuseOwnReport(paths: readonly string[], file: string): void {
  const own = paths.find((path) => resolve(path, "report.html") === resolve(file));
  if (own === undefined) return;
  throw new UsageError(
    `--out ${file}: is the report of the run itself, ${join(own, "report.html")}: name another file`,
  );
}

function runTable(runs: readonly ComparedRun[]): string {
  const rows = runs.map(({ name, epochs, best, last, test }) => [
    name,
    `${epochs.done} of ${epochs.of}`,
    best ? percent(best.top1) : "not binary yet",
    percent(last.evaluated.top1),
    percent(last.train.top1),
    test ? percent(test.top1) : "",
  ]);
  return table(["run", "epochs", "best top-1", "last", "training", "test"], rows);
}
