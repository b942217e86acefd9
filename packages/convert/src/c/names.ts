import { UsageError, visible } from "onebit";

/** Of C99, and what the generated code has. */
const KEYWORDS = new Set(
  (
    "auto break case char const continue default do double else enum extern float for goto if inline int long " +
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while " +
    "errno stdin stdout stderr arena compute"
  ).split(" "),
);

/**
 * Files that stand beside NAME.c and NAME.h, and targets that CMake has. Some file systems take "Main" for "main".
 */
const FILES = new Set("main selftest all clean help install package test".split(" "));

/** Headers of C, and those of C libraries that these include: NAME.h would come before them. */
const HEADERS = new Set(
  (
    "assert complex ctype errno fenv float inttypes iso646 limits locale math setjmp signal stdalign stdarg stdatomic " +
    "stdbool stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype " +
    "alloca endian features getopt malloc memory sched strings unistd values"
  ).split(" "),
);

/** What C23 and POSIX have the width of, in a macro of the name that NAME_WIDTH would be. */
const WIDTHS =
  /^(bool|[su]?char|u?shrt|u?int|u?l?long|size|ptrdiff|wchar|wint|sig_atomic|u?int(_least|_fast)?\d+|u?int(max|ptr))$/;

function isTaken(name: string): boolean {
  const lower = name.toLowerCase();
  return KEYWORDS.has(name) || FILES.has(lower) || HEADERS.has(lower) || WIDTHS.test(lower);
}

/** UsageError unless C takes it as the first part of a name, and neither the generated code nor its build has such a name. */
export function checkName(name: string): void {
  const shown = visible(name);
  if (!/^[A-Za-z][A-Za-z0-9_]*$/.test(name)) {
    throw new UsageError(
      `name "${shown}": letters, digits and underscores are wanted, a letter first, such as "${nameFrom(name)}"`,
    );
  }
  if (name.length > 31) throw new UsageError(`name "${shown}": 31 characters at most`);
  if (isTaken(name)) {
    throw new UsageError(`name "${shown}": C or its build has it already: take another`);
  }
}

/** A name for C like that of a file. */
export function nameFrom(file: string): string {
  const plain = file
    .replace(/\.onebit$/i, "")
    .replace(/[^A-Za-z0-9]+/g, "_")
    .replace(/^_+|_+$/g, "")
    .slice(0, 31)
    .toLowerCase();
  if (!/^[a-z]/.test(plain)) return `net_${plain}`.slice(0, 31).replace(/_+$/, "");
  return isTaken(plain) ? `${plain}_net` : plain;
}

/** A string literal; what is no ASCII as octal escapes of its UTF-8, which cannot run into what follows. */
export function cString(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const escaped = Array.from(bytes, (byte) => {
    const letter = String.fromCharCode(byte);
    const isPlain = byte >= 0x20 && byte < 0x7f && !/["\\?]/.test(letter);
    return isPlain ? letter : `\\${byte.toString(8).padStart(3, "0")}`;
  });
  return `"${escaped.join("")}"`;
}
