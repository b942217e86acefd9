/** A command that a shell takes as it stands: words with spaces, quotes and the like are quoted. */
export function shellCommand(...words: readonly string[]): string {
  return words.map(shellWord).join(" ");
}

/** One word of a command, for POSIX shells and PowerShell. */
export function shellWord(word: string): string {
  return PLAIN.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}

/** Backslashes in paths of Windows are no escapes. */
const PLAIN = /^([a-z]:[\w@%+=,.\\/~-]*|[\w@%+=:,./-]+)$/i;
