import { describe } from "../describe.js";
import { UsageError } from "../errors.js";
import { closest } from "../words/closest.js";

/** How to check the value of an option: what is wanted, where it is wrong. */
export type OptionChecks<T> = { readonly [K in keyof Required<T>]: (value: unknown) => unknown };

/**
 * UsageError for options that `call` does not know, with the one that was meant, and for values that
 * `checks` finds wrong: these give the words for what is wanted. Undefined asks for nothing.
 */
export function checkOptions<T extends object>(
  call: string,
  options: T,
  checks: OptionChecks<T>,
): void {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new UsageError(`${call}: options must be an object, not ${describe(options)}`);
  }
  const known = Object.keys(checks);
  const inherited = known.filter((name) => name in options);
  for (const name of new Set([...Object.keys(options), ...inherited])) {
    const value = options[name as keyof T];
    if (value === undefined) continue;
    if (!Object.hasOwn(checks, name)) throw new UsageError(unknownOption(call, name, known));
    const wanted = checks[name as keyof T](value);
    if (typeof wanted !== "string") continue;
    throw new UsageError(`${name} ${describe(value)}: must be ${wanted}`);
  }
}

function unknownOption(call: string, name: string, known: readonly string[]): string {
  const close = closest(name, known);
  const hint = close ? `did you mean "${close}"?` : `there are ${known.join(", ")}`;
  return `${call}: unknown option ${describe(name)}: ${hint}`;
}
