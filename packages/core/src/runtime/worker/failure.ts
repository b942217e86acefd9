import { OnebitError, UsageError } from "../../errors.js";
import { BudgetError } from "../budget.js";

/** An error on its way to another thread. */
export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** Those whose class callers look at. */
const KINDS = { OnebitError, UsageError, BudgetError } as const;

export function failureOf(error: unknown): Failure {
  return error instanceof Error
    ? { name: error.name, message: error.message }
    : { name: "Error", message: String(error) };
}

export function errorOf({ name, message }: Failure): Error {
  if (Object.hasOwn(KINDS, name)) return new KINDS[name as keyof typeof KINDS](message);
  return Object.assign(new Error(message), { name });
}
