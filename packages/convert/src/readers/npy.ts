import { OnebitError } from "onebit";
import { type AsyncBuffer, readRange } from "./async-buffer.js";
import { type Checkpoint, checkpointOf } from "./checkpoint.js";
import { type Cursor, cursorOver, take, u8, u16, u32, utf8 } from "./cursor.js";
import { bytesPerElement } from "./dtype.js";
import { numpyType } from "./numpy-type.js";
import { columnMajor, elementCount, rowMajor } from "./strided.js";
import {
  type ByteSource,
  type TensorEntry,
  type TensorLayout,
  tensorEntry,
} from "./tensor-entry.js";
import { printable } from "./text.js";

const npyMagic: readonly number[] = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];

/** Headers are a line of text; NumPy refuses longer ones too. */
export const npyHeaderLimit = 10_000;

/** A `.npy` file as a checkpoint with the one tensor `array`. */
export async function openNpy(buffer: AsyncBuffer): Promise<Checkpoint> {
  const end = Math.min(buffer.byteLength, npyHeaderLimit);
  const prefix = await readRange(buffer, 0, end, "the array's header");
  const read = (from: number, to: number) => readRange(buffer, from, to, "the array");
  const entry = npyEntry(["array"], prefix, { byteLength: buffer.byteLength, read });
  return checkpointOf(buffer, "npy", [entry]);
}

/**
 * The tensor of an array file whose first bytes are `prefix`. The elements must fill the file
 * exactly.
 *
 * Source: NEP 1, versions 1.0 to 3.0.
 */
export function npyEntry(
  path: readonly string[],
  prefix: Uint8Array<ArrayBuffer>,
  file: ByteSource,
): TensorEntry {
  const what = printable(path.join("."));
  const cursor = cursorOver(prefix);
  const layout = parseHeader(headerText(cursor, what), what);
  const start = cursor.offset;
  const data: ByteSource = {
    byteLength: file.byteLength - start,
    read: (from, to) => file.read(start + from, start + to),
  };
  const size = elementCount(layout.shape, what) * bytesPerElement[layout.dtype];
  if (size !== data.byteLength) {
    throw new OnebitError(
      `${what}: ${layout.shape.join(" x ")} ${layout.dtype} takes ${size} bytes, there are ${data.byteLength}: the file is truncated or damaged`,
    );
  }
  return tensorEntry(path, layout, data);
}

function headerText(cursor: Cursor, what: string): string {
  const magic = take(cursor, npyMagic.length);
  const major = u8(cursor);
  const minor = u8(cursor);
  if (npyMagic.some((byte, i) => byte !== magic[i]) || major < 1 || major > 3 || minor !== 0) {
    throw new OnebitError(`${what}: no .npy array of version 1 to 3`);
  }
  const length = major === 1 ? u16(cursor) : u32(cursor);
  if (cursor.offset + length > npyHeaderLimit) {
    throw new OnebitError(`${what}: an array header of ${length} bytes: the file is damaged`);
  }
  return utf8(take(cursor, length), `${what}: the array header`);
}

/**
 * `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`: keys in any order, either quotes,
 * and as Python 2 wrote it, (3L, 4L) and u'<f4'.
 */
function parseHeader(text: string, what: string): TensorLayout {
  const fields = new Map<string, string>();
  const field =
    /\s*[ub]?(['"])(descr|fortran_order|shape)\1\s*:\s*([ub]?'[^']*'|[ub]?"[^"]*"|True|False|\([\d\s,L]*\))\s*(?:,|(?=\s*}))/y;
  const open = /^\s*\{/.exec(text);
  let at = open ? open[0].length : text.length;
  while (at < text.length) {
    field.lastIndex = at;
    const match = field.exec(text);
    if (!match || fields.has(match[2])) break;
    fields.set(match[2], match[3]);
    at = field.lastIndex;
  }
  const descr = /^[ub]?['"](.*)['"]$/.exec(fields.get("descr") ?? "")?.[1];
  const order = /^(True|False)$/.exec(fields.get("fortran_order") ?? "")?.[1];
  const shape = parseShape(fields.get("shape") ?? "");
  if (descr === undefined || !order || !shape || !/^\s*\}\s*$/.test(text.slice(at))) {
    const hint = text.includes("[(") ? " (structured arrays are not read)" : "";
    throw new OnebitError(`${what}: the array header ${printable(text)} is not understood${hint}`);
  }
  elementCount(shape, what);
  const { dtype, bigEndian } = numpyType(descr, what);
  const strides = order === "True" ? columnMajor(shape) : rowMajor(shape);
  return { shape, strides, offset: 0, dtype, bigEndian };
}

/** `()`, `(3,)`, `(3, 4)` or `(3L, 4L)`. */
function parseShape(text: string): number[] | undefined {
  const inner = /^\(\s*((?:\d+L?\s*,\s*)*(?:\d+L?\s*)?)\)$/.exec(text)?.[1];
  if (inner === undefined) return undefined;
  const sizes = inner.replaceAll("L", "").split(",");
  return sizes.flatMap((size) => (size.trim() === "" ? [] : [Number(size)]));
}
