import picocolors from "picocolors";

/**
 * Colours for one stream: only where it is a terminal, so that a log file gets none. NO_COLOR turns
 * them off everywhere, FORCE_COLOR on.
 */
export function colorsFor(
  { isTTY }: { readonly isTTY?: boolean },
  { NO_COLOR, FORCE_COLOR, TERM }: NodeJS.ProcessEnv = process.env,
) {
  return picocolors.createColors(wanted());

  function wanted(): boolean {
    if (NO_COLOR) return false;
    if (FORCE_COLOR) return FORCE_COLOR !== "0";
    return Boolean(isTTY) && TERM !== "dumb";
  }
}

/** For results. */
export const stdoutColors = colorsFor(process.stdout);
/** For messages and progress. */
export const stderrColors = colorsFor(process.stderr);
