import { OnebitError } from "onebit";

const maxNameLength = 512;

/** A text from a file, fit for a message: no control characters, not too long. */
export function printable(text: string): string {
  const plain = text
    .slice(0, 201)
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (c) => `\\u{${c.codePointAt(0)?.toString(16)}}`);
  return plain.length > 200 ? `${plain.slice(0, 200)}...` : plain;
}

/** False for names that would harm a terminal or a report: no tensor is called that. */
export const isPlainName = (name: string): boolean =>
  name.length <= maxNameLength && !/\p{Cc}/u.test(name);

/** Refuses names that would harm a terminal or a report: no tensor is called that. */
export function checkName(name: string, what: string): void {
  if (name.length > maxNameLength) {
    throw new OnebitError(`${what} has a name of ${name.length} characters: ${printable(name)}`);
  }
  if (/\p{Cc}/u.test(name)) {
    throw new OnebitError(`${what} has control characters in its name: ${printable(name)}`);
  }
}
