import { visible } from "./visible.js";

/** Longer words are names that nobody wrote by hand. */
const MONSTROUS = 500;

/** No one reads more characters; lists of a thousand names fit. */
const LONGEST = 50_000;

/**
 * A failure that a user can act on: what was wrong, where, and what to do. The message can be
 * printed whatever names it contains: control and bidirectional characters are written out (as
 * \x1b, \u202e), very long names cut. Lines after the first are indented; other line ends are
 * written out too.
 */
export class OnebitError extends Error {
  override name = "OnebitError";

  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** The caller asked for something that does not exist or does not fit: exit status 2 on the command line. */
export class UsageError extends OnebitError {
  override name = "UsageError";
}

function printable(message: string): string {
  // Not /\S{500,}/: of a word of megabytes the engine's stack would be full.
  const words = message
    .split(/([ \n])/)
    .map((word) => (word.length < MONSTROUS ? word : visible(word, 200)))
    .join("");
  const cut = words.length > LONGEST ? `${words.slice(0, LONGEST)}…` : words;
  return cut
    .split(/\n(?= {2})/)
    .map((line) => visible(line))
    .join("\n");
}
