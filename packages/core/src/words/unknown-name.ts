import { closest } from "./closest.js";

/** `unknown model "bnxt": did you mean "bnext"? There are ...`: what is said of a name that is none of `known`. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const guess = closest(name, known);
  const there = known.length ? `There are ${known.join(", ")}` : "There are none";
  return `unknown ${what} "${name}": ${guess ? `did you mean "${guess}"? ` : ""}${there}`;
}
