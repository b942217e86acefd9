/** Control, format (among them bidirectional and zero-width ones), lone surrogates, line ends. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu;

const SHORT: { readonly [character: string]: string } = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

/**
 * Text of a file, or a name, as it may be shown to people: characters that command a terminal or
 * turn the order of what follows are written out, such as \x1b and \u202e. Of more than `longest`
 * characters, the start and the end.
 */
export function visible(text: string, longest = Number.POSITIVE_INFINITY): string {
  return shortened(text, longest).replace(
    UNSEEN,
    (character) => SHORT[character] ?? escaped(character),
  );
}

function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  if (code < 0x100) return `\\x${hex.padStart(2, "0")}`;
  return code < 0x10000 ? `\\u${hex.padStart(4, "0")}` : `\\u{${hex}}`;
}

function shortened(text: string, longest: number): string {
  if (text.length <= longest) return text;
  const start = Math.ceil(longest / 2);
  const left = text.length - longest;
  return `${text.slice(0, start)}… (${left} more characters) …${text.slice(start + left)}`;
}
