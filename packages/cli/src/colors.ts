import { randomInt } from "node:crypto";
import picocolors from "picocolors";

/**
 * Stands in the colour codes and line ends that this program makes. A file cannot know it: what
 * comes without it is shown, not sent (see `sendable` in foreign-text.ts).
 */
export const OWN = String(randomInt(1e8, 1e9));

/** Ends a line of a text of several. */
export const LINE_END = `\x1b[;${OWN}m\n`;

const names = ["bold", "dim", "red", "green", "yellow"] as const;

type Colors = Readonly<Record<(typeof names)[number], (text: string) => string>>;

/**
 * Colours for one stream: only where it is a terminal, so that a log file gets none. NO_COLOR turns
 * them off everywhere, FORCE_COLOR on.
 */
export function colorsFor(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv = process.env,
): Colors {
  const codes = picocolors.createColors(wanted());
  return Object.fromEntries(names.map((name) => [name, marked(codes[name])])) as Colors;

  function wanted(): boolean {
    if (NO_COLOR) return false;
    if (FORCE_COLOR) return FORCE_COLOR !== "0";
    return Boolean(isTTY) && TERM !== "dumb";
  }
}

/** Around text that may hold codes of its own, which stay unmarked. */
function marked(paint: (text: string) => string): (text: string) => string {
  const [open, close] = paint("\n")
    .split("\n")
    .map((code) => code.replace(/m$/, `;${OWN}m`));
  return (text) => open + text + close;
}

/** For results. */
export const stdoutColors = colorsFor(process.stdout);
/** For messages and progress. */
export const stderrColors = colorsFor(process.stderr);
