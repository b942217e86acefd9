import { visible } from "onebit";
import { OWN } from "./colors.js";

const OWN_CODE = new RegExp(`(\\x1b\\[\\d+);${OWN}m`);

/** LINE_END; or what comes before an indented line, so that no name can pretend to be a message. */
const LINE_ENDS = new RegExp(`\\x1b\\[;${OWN}m\\n|\\n(?= {2})`);

/**
 * Text as it may go to a terminal. This program's colours and line ends are sent; every other
 * control or bidirectional character came from a file or a name, and is written out.
 */
export function sendable(text: string): string {
  return text.split(LINE_ENDS).map(sendableLine).join("\n");
}

function sendableLine(line: string): string {
  // Splitting by a group gives what is between the codes, and the codes, in turns.
  const parts = line.split(OWN_CODE);
  return parts.map((part, i) => (i % 2 ? `${part}m` : visible(part))).join("");
}

/** What JSON leaves as it is, though nobody sees it. */
const UNSEEN_IN_JSON = /[\x7f-\x9f\p{Cf}\p{Zl}\p{Zp}]/gu;

/** The same data, in characters that show. */
export function sendableJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(UNSEEN_IN_JSON, escapedUnits);
}

function escapedUnits(character: string): string {
  const units = Array.from({ length: character.length }, (_, i) => character.charCodeAt(i));
  return units.map((unit) => `\\u${unit.toString(16).padStart(4, "0")}`).join("");
}
