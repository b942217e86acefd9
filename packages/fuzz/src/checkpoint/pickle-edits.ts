import type { Random } from "onebit/conformance";
import { type BytesEdit, joined } from "./byte-edits.js";

/** Bytes of the argument behind an instruction, by its code; the others have none. */
const FIXED: { readonly [code: string]: number } = {
  ...{ K: 1, h: 1, q: 1, "\x80": 1, "\x82": 1, M: 2, "\x83": 2, J: 4, j: 4, r: 4, "\x84": 4 },
  ...{ G: 8, "\x95": 8 },
};
/** Bytes of the length that is followed by so many bytes. */
const COUNTED: { readonly [code: string]: number } = {
  ...{
    U: 1,
    C: 1,
    "\x8a": 1,
    "\x8c": 1,
    B: 4,
    T: 4,
    X: 4,
    "\x8b": 4,
    "\x8d": 8,
    "\x8e": 8,
    "\x96": 8,
  },
};
/** Lines of text. */
const LINES: { readonly [code: string]: number } = {
  c: 2,
  i: 2,
  I: 1,
  L: 1,
  F: 1,
  S: 1,
  V: 1,
  P: 1,
  g: 1,
  p: 1,
};

/** The instructions of a sound pickle up to its last STOP, and what follows. */
function instructions(
  bytes: Uint8Array,
  pickles: number,
): { list: Uint8Array[]; rest: Uint8Array } {
  const list: Uint8Array[] = [];
  let at = 0;
  for (let left = pickles; left > 0 && at < bytes.length; ) {
    const end = Math.min(bytes.length, endOf(bytes, at));
    list.push(bytes.subarray(at, end));
    if (bytes[at] === 0x2e) left--;
    at = end;
  }
  return { list, rest: bytes.subarray(at) };
}

function endOf(bytes: Uint8Array, at: number): number {
  const code = String.fromCharCode(bytes[at]);
  if (code in FIXED) return at + 1 + FIXED[code];
  if (code in LINES) {
    let end = at;
    for (let lines = LINES[code]; lines > 0; lines--)
      end = bytes.indexOf(10, end) + 1 || bytes.length;
    return end;
  }
  if (!(code in COUNTED)) return at + 1;
  let length = 0;
  for (let i = 0; i < COUNTED[code]; i++) length += (bytes[at + 1 + i] ?? 0) * 256 ** i;
  return at + 1 + COUNTED[code] + length;
}

const text = (ascii: string) => Uint8Array.from(Buffer.from(ascii, "latin1"));

/** What a pickle should not be able to do, and what no reader expects. */
const HOSTILE: readonly Uint8Array[] = [
  "cos\nsystem\n(X\x04\x00\x00\x00exit\x85R",
  "cbuiltins\neval\n(X\x01\x00\x00\x001\x85R",
  "c__builtin__\ngetattr\n",
  "ctorch\nload\n",
  "ctorch._utils\n_rebuild_tensor_v2\n",
  "ccollections\nOrderedDict\n)R",
  "(lp0\n",
  "(((((((((((((((((",
  "2222222222222222",
  "000000",
  "h\x00",
  "h\xff",
  "j\xff\xff\xff\x7f",
  "q\x00",
  "X\xff\xff\xff\x7f",
  "\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
  "\x8a\xff",
  "\x8b\xff\xff\xff\x7f",
  "B\xff\xff\xff\xff",
  "\x95\xff\xff\xff\xff\xff\xff\xff\xff",
  "Q",
  "b",
  "R",
  "\x81",
  "\x92",
  "}(h\x00h\x00u",
  "](h\x00h\x00e",
  "\x85\x86\x87",
  "X\x09\x00\x00\x00__proto__N",
  "X\x0b\x00\x00\x00constructor",
  "G\x7f\xf8\x00\x00\x00\x00\x00\x00",
  "J\xff\xff\xff\x7f",
  "\x8f\x91",
  ".",
].map(text);

/** Instructions removed, doubled, exchanged, put in, or given other arguments. */
export function editPickle(pickles = 1): BytesEdit {
  return (bytes, random) => {
    const { list, rest } = instructions(bytes, pickles);
    const told: string[] = [];
    for (let left = random.int(1, 3); left > 0 && list.length > 0; left--)
      told.push(editList(list, random));
    return { bytes: joined([...list, rest]), told: told.join(", ") };
  };
}

function editList(list: Uint8Array[], random: Random): string {
  const [at, other] = [random.int(0, list.length - 1), random.int(0, list.length - 1)];
  const code = `0x${list[at][0].toString(16)} at ${at}`;
  switch (random.int(0, 6)) {
    case 0:
      list.splice(at, random.int(1, 3));
      return `removed ${code}`;
    case 1:
      list.splice(at, 0, list[other]);
      return `copied ${other} to ${at}`;
    case 2:
      [list[at], list[other]] = [list[other], list[at]];
      return `exchanged ${at} and ${other}`;
    case 3:
      list.splice(at, 0, random.pick(HOSTILE));
      return `hostile before ${code}`;
    case 4: {
      const repeated = random.pick([100, 5000]);
      list.splice(at, 0, ...new Array<Uint8Array>(repeated).fill(list[other]));
      return `${repeated} of ${other} before ${code}`;
    }
    default: {
      const changed = list[at].slice();
      changed[random.int(0, Math.min(changed.length - 1, 8))] = random.pick([
        0, 1, 0x7f, 0x80, 0xff,
      ]);
      list[at] = changed;
      return `changed ${code}`;
    }
  }
}
