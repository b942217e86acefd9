import { OnebitError } from "onebit";
import { bytesPerElement, type DType } from "./dtype.js";
import { printable } from "./text.js";

const types: ReadonlyMap<string, DType> = new Map([
  ["f8", "float64"],
  ["f4", "float32"],
  ["f2", "float16"],
  ["i8", "int64"],
  ["i4", "int32"],
  ["i2", "int16"],
  ["i1", "int8"],
  ["u8", "uint64"],
  ["u4", "uint32"],
  ["u2", "uint16"],
  ["u1", "uint8"],
  ["b1", "bool"],
]);

/** Other spellings that NumPy reads, if no writer of its own: `float32`, `?`. */
const spellings: ReadonlyMap<string, string> = new Map([
  ...[...types].map(([code, dtype]) => [dtype, code] as const),
  ["?", "b1"],
]);

/** Whether a NumPy type without its byte order (`f8`) is a plain number. */
export const isNumber = (code: string): boolean => types.has(code);

/** Reads a NumPy type string: byte order (`<`, `>`, `|`, `=` or none), kind, bytes per element. */
export function numpyType(
  descr: string,
  what: string,
): { dtype: DType; size: number; bigEndian: boolean } {
  const code = /^[<>|=]/.test(descr) ? descr.slice(1) : descr;
  const dtype = types.get(spellings.get(code) ?? code);
  if (dtype) return { dtype, size: bytesPerElement[dtype], bigEndian: descr[0] === ">" };
  const hint = descr.includes("O") ? " (object arrays are pickles)" : "";
  throw new OnebitError(
    `${what}: elements of type ${printable(descr)}${hint} are not read; known are plain numbers, as <f4`,
  );
}
