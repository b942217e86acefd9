import { OnebitError } from "onebit";
import { printable } from "./text.js";

const maxDepth = 32;

/**
 * JSON.parse for texts from files. Refused beside bad JSON: a key that occurs twice in one object
 * (JSON.parse would silently keep the last), and nesting so deep that parsing it would be slow.
 */
export function parseStrictJson(text: string, what: string): unknown {
  const twice = scan(text, what);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new OnebitError(`${what} is not JSON: the file is truncated or damaged, fetch it again`);
  }
  if (twice === undefined) return value;
  throw new OnebitError(`${what}: ${printable(twice)} occurs twice: which one counts is unclear`);
}

/** Walks the tokens once; returns the first key that occurs twice. */
function scan(text: string, what: string): string | undefined {
  const levels: Set<string>[] = [];
  let twice: string | undefined;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === "{" || character === "[") levels.push(new Set());
    else if (character === "}" || character === "]") levels.pop();
    else if (character === '"') {
      const end = endOfString(text, at);
      if (isKey(text, end)) {
        const key = keyOf(text.slice(at, end));
        const keys = levels.at(-1);
        if (keys?.has(key)) twice ??= key;
        keys?.add(key);
      }
      at = end - 1;
    }
    if (levels.length > maxDepth) {
      throw new OnebitError(
        `${what} is nested more than ${maxDepth} deep: it is damaged or hostile`,
      );
    }
  }
  return twice;
}

/** The place behind the closing quote of the string that opens at `start`. */
function endOfString(text: string, start: number): number {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++;
    else if (text[at] === '"') return at + 1;
  }
  return text.length;
}

function isKey(text: string, end: number): boolean {
  let at = end;
  while (at < text.length && " \t\n\r".includes(text[at])) at++;
  return text[at] === ":";
}

function keyOf(quoted: string): string {
  if (!quoted.includes("\\")) return quoted.slice(1, -1);
  try {
    return JSON.parse(quoted);
  } catch {
    return quoted;
  }
}
