import { UsageError } from "onebit";
import { closest } from "onebit/words";

/** Reads what stands behind a flag; UsageError that begins with both, where it is not what it must be. */
export interface Reader<V> {
  /** flag: its name, such as "--threads". */
  readonly read: (text: string, flag: string) => V;
  /** Where it is one of few words. */
  readonly choices?: readonly string[];
}

/** Any text but none at all. */
export const words: Reader<string> = {
  read(text, flag) {
    if (text.trim() !== "") return text;
    throw new UsageError(`${flag} is empty: is a variable of the shell not set?`);
  },
};

/** The error of all readers. */
export function misread(flag: string, text: string, wanted: string): UsageError {
  return new UsageError(`${flag} ${text}: ${wanted}`);
}

export const wholeNumber: Reader<number> = {
  read(text, flag) {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value > 0) return value;
    throw misread(flag, text, "a positive whole number is wanted");
  },
};

/** A number of 0 or more, such as 1e-4. */
export const fraction = (example: number): Reader<number> => ({
  read(text, flag) {
    const value = Number(text);
    if (text.trim() !== "" && value >= 0 && Number.isFinite(value)) return value;
    throw misread(flag, text, `a number from 0 is wanted, such as ${example}`);
  },
});

export function oneOf<const C extends string>(choices: readonly C[]): Reader<C> {
  return {
    choices,
    read(text, flag) {
      const choice = choices.find((known) => known === text);
      if (choice !== undefined) return choice;
      const near = closest(text, choices);
      const hint = near === undefined ? "" : `; did you mean ${near}?`;
      throw misread(flag, text, `must be ${listed(choices)}${hint}`);
    },
  };
}

/** Of values between commas, none twice. */
export function listOf<V>({ read, choices }: Reader<V>): Reader<readonly V[]> {
  return {
    choices,
    read: (text, flag) => [...new Set(text.split(",").map((item) => read(item.trim(), flag)))],
  };
}

/** a, b or c; a, b and c. */
export function listed(names: readonly string[], word: "or" | "and" = "or"): string {
  if (names.length < 2) return names.join("");
  return `${names.slice(0, -1).join(", ")} ${word} ${names.at(-1)}`;
}
