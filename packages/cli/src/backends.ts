import { type BackendChoice, UsageError } from "onebit";
import { wholeNumber } from "./architecture.js";

const choices: readonly BackendChoice[] = ["auto", "reference", "wasm"];

export function backendChoice(name: string): BackendChoice {
  const choice = choices.find((known) => known === name);
  if (choice) return choice;
  throw new UsageError(`--backend ${name}: must be ${choices.join(", ")}`);
}

export function threadsOf(text: string | undefined): number {
  return wholeNumber("--threads", text) ?? 1;
}
