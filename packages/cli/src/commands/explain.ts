import type { Command } from "commander";
import {
  type ArchitectureFlags,
  addArchitectureOptions,
  architectureOptions,
} from "../architecture.js";
import {
  addPackedOptions,
  type BudgetFlags,
  backendChoice,
  budgetOf,
  mapsOf,
  threadsOf,
} from "../backends.js";
import { benchSubject } from "../bench/subject.js";
import { explain } from "../explain/explain.js";
import { partTable, stepTable, summaryLines } from "../explain/tables.js";
import { machine } from "../machine.js";
import { terminalOutput } from "../terminal.js";
import { version } from "../version.js";

interface Flags extends ArchitectureFlags, BudgetFlags {
  readonly backend: string;
  readonly threads?: string;
  readonly maps?: string;
  readonly all?: boolean;
  readonly json?: boolean;
}

export function registerExplain(program: Command): void {
  const command = addPackedOptions(
    program
      .command("explain <file|arch>")
      .description("where the time and the bytes of a packed network go, and why")
      .option("--backend <name>", "auto, or one of onebit's backends", "auto")
      .option("--threads <n>", "threads (default 1)"),
  )
    .option("--all", "a row for every step, however small its share")
    .option("--json", "one JSON document")
    .action(run);
  addArchitectureOptions(command);
}

async function run(subject: string, flags: Flags): Promise<void> {
  const out = terminalOutput(flags);
  const backend = backendChoice(flags.backend);
  const threads = threadsOf(flags.threads);
  const maps = mapsOf(flags.maps);
  const { name, packed } = await benchSubject(subject, architectureOptions(flags));
  const explanation = await explain(name, packed, {
    backend,
    threads,
    maps,
    budget: budgetOf(flags),
  });
  out.result({ machine: machine(), version: version(), ...explanation });
  out.line(stepTable(explanation, flags.all === true));
  out.line();
  out.line(partTable(explanation));
  out.line();
  for (const line of summaryLines(explanation)) out.line(line);
}
