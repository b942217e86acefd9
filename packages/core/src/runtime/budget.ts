import { OnebitError } from "../errors.js";
import type { ProgramCost } from "../program/cost.js";

/** What a file may have this process allocate and compute: more is refused before it begins. */
export interface Budget {
  /**
   * Bytes for the values of an image, in each thread, with weights and tables; what features() needs
   * counts as well. Default: 768 MiB, so that a process stays below 1 GiB.
   */
  readonly memory?: number;
  /**
   * Multiply-adds per image, of which 32 binary ones count as one. Default: 10^11.
   */
  readonly work?: number;
}

/** Bytes and multiply-accumulates that a program may take where load() is not told otherwise. */
export const DEFAULT_BUDGET = { memory: 768 * 2 ** 20, work: 1e11 } as const;

/** A program needs more than it may have. */
export class BudgetError extends OnebitError {
  override name = "BudgetError";

  /** reason: what it needs, and what it may have. */
  static because(reason: string): BudgetError {
    return new BudgetError(
      `${reason}; smaller images and fewer threads take less, and if you trust the file, allow more ` +
        "(budget in load(), --memory and --work on the command line)",
    );
  }
}

export function isBudget(budget: unknown): budget is Budget {
  if (typeof budget !== "object" || budget === null) return false;
  return Object.entries(budget).every(([name, amount]) => {
    const known = Object.hasOwn(DEFAULT_BUDGET, name);
    return known && (amount === undefined || (typeof amount === "number" && amount >= 0));
  });
}

/** BudgetError where all that a program takes for an image is more than that. */
export function checkMemory(backend: string, needed: number, memory = DEFAULT_BUDGET.memory): void {
  if (needed <= memory) return;
  const needs = `${backend}: needs ${bytesText(needed)} for the values of an image, weights and tables`;
  throw BudgetError.because(`${needs}, more than its memory budget of ${bytesText(memory)}`);
}

/** Multiply-adds for an image, of which 32 binary ones count as one. */
export function workOf({ binaryMacs, macs, elementwise }: ProgramCost): number {
  return binaryMacs / 32 + macs + elementwise;
}

/** BudgetError where an image takes more arithmetic than it may. */
export function checkWork(cost: ProgramCost, work: number = DEFAULT_BUDGET.work): void {
  const needed = workOf(cost);
  if (needed <= work) return;
  throw BudgetError.because(
    `an image takes ${needed.toPrecision(2)} multiply-adds (32 binary ones count as one), more than ` +
      `its work budget of ${work.toPrecision(2)}`,
  );
}

function bytesText(bytes: number): string {
  const kibibytes = Math.ceil(bytes / 2 ** 10);
  return kibibytes < 10_240 ? `${kibibytes} KiB` : `${Math.ceil(kibibytes / 2 ** 10)} MiB`;
}
