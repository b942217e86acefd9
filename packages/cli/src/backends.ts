import { type BackendName, UsageError } from "onebit";
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
