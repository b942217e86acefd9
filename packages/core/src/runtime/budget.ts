import { OnebitError, UsageError } from "../errors.js";
import type { ProgramCost } from "../program/cost.js";

/** What a file may have this process allocate and compute: more is refused before it begins. */
export interface Budget {
  /**
   * Bytes for the values of an image, in each thread, with weights and tables; what features() needs
   * besides counts as well. Default: 768 MiB, so that a process stays below 1 GiB. BNext-L takes 0.2 GiB
   * for 224x224, and runs at 1024x1024.
   */
  readonly memory?: number;
  /**
   * Multiply-adds per image, of which 32 binary ones count as one. Default: 10^11, 50 times what BNext-L
   * takes for 224x224.
   */
  readonly work?: number;
}

export const DEFAULT_BUDGET = { memory: 768 * 2 ** 20, work: 1e11 } as const;

/** UsageError unless both are numbers from 0 on; Infinity is one. */
export function checkBudget({ memory, work }: Budget): void {
  for (const [name, value] of Object.entries({ memory, work })) {
    if (value === undefined || (typeof value === "number" && value >= 0)) continue;
    throw new UsageError(`budget.${name} ${value}: must be a number from 0, or Infinity`);
  }
}

/** For backends: what a program needs, and what to do about it. */
export function overBudget(reason: string): OnebitError {
  return new OnebitError(
    `${reason}: if you trust the file, allow more (budget in load(), --memory on the command line); ` +
      "smaller images and fewer threads take less",
  );
}

/** OnebitError where all that a program takes for an image is more than that. */
export function checkMemory(backend: string, needed: number, memory = DEFAULT_BUDGET.memory): void {
  if (needed <= memory) return;
  const needs = `${backend}: needs ${mebibytes(needed)} for the values of an image, weights and tables`;
  throw overBudget(`${needs}, more than its memory budget of ${mebibytes(memory)}`);
}

/** OnebitError where an image takes more arithmetic than it may. */
export function checkWork(cost: ProgramCost, work = DEFAULT_BUDGET.work): void {
  const needed = cost.binaryMacs / 32 + cost.macs + cost.elementwise;
  if (needed <= work) return;
  throw new OnebitError(
    `one image takes ${needed.toPrecision(2)} multiply-adds (32 binary ones count as one), more than ` +
      `the budget of ${work.toPrecision(2)}: if you trust the file, allow more (budget in load(), ` +
      "--work on the command line); smaller images take less",
  );
}

function mebibytes(bytes: number): string {
  return Number.isFinite(bytes) ? `${Math.ceil(bytes / 2 ** 20)} MiB` : "more memory than there is";
}
