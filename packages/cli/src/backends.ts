import type { Command } from "commander";
import { type BackendName, type MapType, UsageError } from "onebit";
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

export function addMapsOption(command: Command): Command {
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
