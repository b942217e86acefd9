import { OnebitError } from "onebit";
import type { DType } from "../dtype.js";
import { type Bytes, damaged } from "./bytes.js";

/** Numbers of a type, texts of a length, texts of any length, or something that no network has. */
export type Datatype =
  | {
      readonly kind: "number";
      readonly dtype: DType;
      readonly bytes: number;
      readonly bigEndian: boolean;
    }
  | { readonly kind: "text"; readonly bytes: number }
  | { readonly kind: "long text"; readonly bytes: number }
  | { readonly kind: "other"; readonly bytes: number };

/** A datatype message: class and version, three bytes of flags, size. */
export function datatypeAt(file: Bytes, at: number): Datatype {
  const [head, flags, bytes] = [file.u8(at), file.u8(at + 1), file.u32(at + 4)];
  const bigEndian = (flags & 1) === 1;
  switch (head & 15) {
    case 0: {
      const dtype = `${flags & 8 ? "" : "u"}int${8 * bytes}`;
      return isInteger(dtype)
        ? { kind: "number", dtype, bytes, bigEndian }
        : { kind: "other", bytes };
    }
    case 1: {
      const dtype = ({ 2: "float16", 4: "float32", 8: "float64" } as const)[bytes];
      return dtype ? { kind: "number", dtype, bytes, bigEndian } : { kind: "other", bytes };
    }
    case 3:
      return { kind: "text", bytes };
    case 9:
      return (flags & 15) === 1 ? { kind: "long text", bytes } : { kind: "other", bytes };
    default:
      return { kind: "other", bytes };
  }
}

const integers: readonly string[] = [
  "int8",
  "int16",
  "int32",
  "int64",
  "uint8",
  "uint16",
  "uint32",
  "uint64",
];
const isInteger = (name: string): name is DType => integers.includes(name);

/** A dataspace message: sizes of the axes; [] is one element. */
export function shapeAt(file: Bytes, at: number): number[] {
  const [version, rank] = [file.u8(at), file.u8(at + 1)];
  if (version !== 1 && version !== 2) throw damaged(`a dataspace of version ${version}`);
  if (version === 2 && file.u8(at + 3) === 2) return [0];
  const sizes = at + (version === 1 ? 8 : 4);
  return Array.from({ length: rank }, (_, axis) => file.address(sizes + 8 * axis, "a size"));
}

/** Texts of an attribute's data: of a length each, or by reference into a heap. */
export function textsAt(
  file: Bytes,
  type: Datatype,
  at: number,
  count: number,
): string[] | undefined {
  if (type.kind !== "text" && type.kind !== "long text") return undefined;
  file.check(at, count * type.bytes);
  return Array.from({ length: count }, (_, i) => {
    const place = at + i * type.bytes;
    return type.kind === "text" ? file.text(place, type.bytes) : heapText(file, place);
  });
}

/** length (4), address of the collection (8), index (4). */
function heapText(file: Bytes, at: number): string {
  const [length, index] = [file.u32(at), file.u32(at + 12)];
  if (length === 0) return "";
  const heap = file.address(at + 4, "a heap");
  if (!file.signature(heap, "GCOL")) throw damaged(`there is no heap at byte ${heap}`);
  const end = heap + file.address(heap + 8, "a heap's size");
  for (let object = heap + 16; object + 16 <= end; ) {
    const size = file.address(object + 8, "an object's size");
    if (file.u16(object) === index) {
      if (length > size) throw damaged("a text is longer than its place");
      return file.text(object + 16, length);
    }
    // What is free is the last.
    if (file.u16(object) === 0) break;
    object += 16 + Math.ceil(size / 8) * 8;
  }
  throw damaged("a text is not in its heap");
}

/** For what only newer or rarer files have. */
export function unread(place: string, what: string, instead: string): OnebitError {
  return new OnebitError(`${place}: ${what}; ${instead}`);
}
