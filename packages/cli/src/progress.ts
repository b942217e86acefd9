import { stripVTControlCharacters } from "node:util";
import { stderrColors as colors } from "./colors.js";
import { sendable } from "./foreign-text.js";

/** A status line that rewrites itself on a terminal and stays silent elsewhere. */
export class StatusLine {
  readonly #stream = process.stderr;
  readonly #live: boolean;
  #last = 0;

  constructor(live = Boolean(process.stderr.isTTY)) {
    this.#live = live;
  }

  /** At most ten redraws a second. */
  show(text: string): void {
    const now = Date.now();
    if (!this.#live || now - this.#last < 100) return;
    this.#last = now;
    this.#stream.write(`\r\x1b[2K${fitting(sendable(text), (this.#stream.columns ?? 120) - 1)}`);
  }

  clear(): void {
    if (this.#live) this.#stream.write("\r\x1b[2K");
    this.#last = 0;
  }
}

/** The start of a line that fills at most `width` columns; colour codes, at its start, fill none. */
export function fitting(text: string, width: number): string {
  const codes = text.length - stripVTControlCharacters(text).length;
  return text.slice(0, width + codes);
}

/** [#####-----] for a fraction of 0 to 1. */
export function bar(fraction: number, width = 16): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width);
  return colors.green("━".repeat(full)) + colors.dim("━".repeat(width - full));
}
