import type { Command } from "commander";
import { type BackendName, type Budget, type MapType, UsageError } from "onebit";
import { wholeNumber } from "./architecture.js";

export const choices: readonly (BackendName | "auto")[] = ["auto", "native", "wasm", "reference"];

export function backendChoice(name: string): BackendName | "auto" {
  const choice = choices.find((known) => known === name);
  if (choice) return choice;
  throw new UsageError(`--backend ${name}: must be ${choices.join(", ")}`);
}

export function threadsOf(text: string | undefined): number {
  return wholeNumber("--threads", text) ?? 1;
}

export interface BudgetFlags {
  readonly memory?: string;
  readonly work?: string;
}

export function addBudgetOptions(command: Command): Command {
  return command
    .option("--memory <size>", "what a packed network may take, such as 2g (default 768m)")
    .option("--work <n>", "multiply-adds that an image may take (default 1e11)");
}

const UNITS = { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40 } as const;

export function budgetOf({ memory, work }: BudgetFlags): Budget {
  return { memory: bytesOf(memory), work: workOf(work) };
}

function bytesOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, digits, unit] = /^(\d+(?:\.\d+)?)([kmgt]?)i?b?$/i.exec(text) ?? [];
  if (digits !== undefined) return Number(digits) * UNITS[unit.toLowerCase() as keyof typeof UNITS];
  throw new UsageError(`--memory ${text}: must be a number of bytes, or one with k, m, g or t`);
}

function workOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d+(\.\d+)?(e\+?\d+)?$/i.test(text)) return Number(text);
  throw new UsageError(`--work ${text}: must be a number such as 1e12`);
}

/** What run, eval and explain can be told of a packed network. */
export function addPackedOptions(command: Command): Command {
  return addBudgetOptions(addMapsOption(command));
}

function addMapsOption(command: Command): Command {
  return command.option(
    "--maps <type>",
    "of a packed network: how maps are kept between steps, float32 or bfloat16 (default: as the file says)",
  );
}

export function mapsOf(text: string | undefined): MapType | undefined {
  if (text === undefined || text === "float32" || text === "bfloat16") return text;
  throw new UsageError(`--maps ${text}: must be float32 or bfloat16`);
}

/** What users are told where maps are not float32, or not what was asked for. */
export function mapsNotes(maps: MapType, asked: MapType = maps): string[] {
  if (maps !== "float32") return [`maps between steps are ${maps}`];
  if (asked === maps) return [];
  return [`--maps ${asked} changes nothing: the network has no map that only epilogues touch`];
}
