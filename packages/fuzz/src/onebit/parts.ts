import { createHash } from "node:crypto";

import type { Json, JsonObject } from "../json-edits.js";

/** A tensor of the safetensors table with its bytes; offsets come with the order. */
export interface StoredPart {
  name: string;
  dtype: string;
  shape: Json;
  data: Uint8Array;
}

/** A `.onebit` file taken apart: nothing in it needs to make sense. */
export interface Parts {
  /** The metadata entry "onebit", without its checksum. */
  header: JsonObject;
  tensors: StoredPart[];
}

const ALIGNMENT = 64;

/** Of a sound file. */
export function takeApart(bytes: Uint8Array): Parts {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const length = Number(view.getBigUint64(0, true));
  const { __metadata__: metadata, ...table } = JSON.parse(
    new TextDecoder().decode(bytes.subarray(8, 8 + length)),
  );
  const { sha256: _, ...header } = JSON.parse(metadata.onebit);
  const data = bytes.subarray(8 + length);
  const tensors = Object.entries(table).map(([name, entry]): StoredPart => {
    const { dtype, shape, data_offsets } = entry as JsonObject;
    const [start, end] = data_offsets as [number, number];
    return { name, dtype: dtype as string, shape, data: data.slice(start, end) };
  });
  return { header, tensors };
}

/**
 * The file, with the checksum that belongs to it: what is said in core/src/file/onebit-file.ts,
 * written once more, so that the reader is not compared with itself.
 */
export function seal({ header, tensors }: Parts): Uint8Array {
  const data = Buffer.concat(tensors.map((tensor) => tensor.data));
  const table: JsonObject = {};
  let at = 0;
  for (const { name, dtype, shape, data } of tensors) {
    table[name] = { dtype, shape, data_offsets: [at, at + data.length] };
    at += data.length;
  }
  const plain = JSON.parse(JSON.stringify(header)) as JsonObject;
  const rows = Object.entries(table).map(([name, entry]) => {
    const { dtype, shape, data_offsets } = entry as JsonObject;
    return [name, dtype, shape, (data_offsets as number[])[0]] as const;
  });
  rows.sort(([a], [b]) => (a < b ? -1 : 1));
  const sha256 = hex(`${JSON.stringify([plain, rows])}\n${hex(data)}`);
  const onebit = JSON.stringify({ ...plain, sha256 });
  const text = Buffer.from(JSON.stringify({ __metadata__: { onebit }, ...table }));
  const padding = (ALIGNMENT - ((8 + text.length) % ALIGNMENT)) % ALIGNMENT;
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length + padding));
  return new Uint8Array(Buffer.concat([length, text, Buffer.alloc(padding, " "), data]));
}

const hex = (data: string | Uint8Array) => createHash("sha256").update(data).digest("hex");
