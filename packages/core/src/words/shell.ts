/** A command that a shell takes as it stands: words with spaces, quotes and the like are quoted. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

/** A command of onebit's, as it works in a project, in a clone and where it is installed globally. */
export function onebitCommand(...words: readonly string[]): string {
  return shellCommand("npx", "onebit", ...words);
}

/** One word of a command, for POSIX shells and PowerShell. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Backslashes in paths of Windows are no escapes. */
const PLAIN = /^([a-z]:[\w@%+=,.\\/~-]*|[\w@%+=:,./-]+)$/i;
