import type { Random } from "onebit/conformance";
import { edgeNumber, edgeText } from "../edge-values.js";
import { type BytesEdit, joined } from "./byte-edits.js";

/** A field of a message; length-delimited ones that read as messages are taken apart. */
interface Field {
  number: number;
  type: number;
  value: bigint;
  bytes: Uint8Array;
  fields?: Field[];
}

const MAX_DEPTH = 5;

/** Undefined where the bytes are no message. */
function parse(bytes: Uint8Array, depth = 0): Field[] | undefined {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint | undefined => {
    let value = 0n;
    for (let i = 0n; i < 10n && at < bytes.length; i++) {
      const byte = bytes[at++];
      value |= BigInt(byte & 127) << (7n * i);
      if (byte < 128) return value;
    }
    return undefined;
  };
  while (at < bytes.length) {
    const tag = varint();
    if (tag === undefined || tag >> 3n === 0n || tag >> 3n > 1000n) return undefined;
    const field: Field = {
      number: Number(tag >> 3n),
      type: Number(tag & 7n),
      value: 0n,
      bytes: new Uint8Array(),
    };
    const width = { 1: 8, 5: 4 }[field.type];
    const value = field.type === 0 || field.type === 2 ? varint() : BigInt(width ?? -1);
    if (value === undefined || value < 0n) return undefined;
    if (field.type === 0) field.value = value;
    else {
      if (value > BigInt(bytes.length - at)) return undefined;
      field.bytes = bytes.subarray(at, at + Number(value));
      at += Number(value);
      if (field.type === 2 && depth < MAX_DEPTH && value > 1n)
        field.fields = parse(field.bytes, depth + 1);
    }
    fields.push(field);
  }
  return fields;
}

function write(fields: readonly Field[]): Uint8Array {
  return joined(
    fields.flatMap(({ number, type, value, bytes, fields: inner }) => {
      const content = inner ? write(inner) : bytes;
      const tag = varint(BigInt(number) * 8n + BigInt(type));
      if (type === 0) return [tag, varint(value)];
      return type === 2 ? [tag, varint(BigInt(content.length)), content] : [tag, content];
    }),
  );
}

function varint(value: bigint): Uint8Array {
  const bytes: number[] = [];
  let left = BigInt.asUintN(64, value);
  do {
    bytes.push(Number(left & 127n) | (left > 127n ? 128 : 0));
    left >>= 7n;
  } while (left > 0n);
  return Uint8Array.from(bytes);
}

/** Every list of fields of a message, its own first. */
function lists(fields: Field[]): Field[][] {
  return [fields, ...fields.flatMap(({ fields: inner }) => (inner ? lists(inner) : []))];
}

/** Fields removed, doubled, exchanged, renumbered, or of other contents; lengths are right again. */
export const editProtobuf: BytesEdit = (bytes, random) => {
  const message = parse(bytes) ?? [];
  const told: string[] = [];
  for (let left = random.int(1, 3); left > 0; left--) {
    const filled = lists(message).filter((fields) => fields.length > 0);
    if (filled.length > 0) told.push(editFields(random.pick(filled), random));
  }
  return { bytes: write(message), told: told.join(", ") };
};

function editFields(list: Field[], random: Random): string {
  const [at, other] = [random.int(0, list.length - 1), random.int(0, list.length - 1)];
  const field = list[at];
  const what = `field ${field.number}`;
  switch (random.int(0, 5)) {
    case 0:
      list.splice(at, 1);
      return `${what} removed`;
    case 1:
      list.splice(at, 0, ...new Array<Field>(random.pick([1, 1, 50])).fill(list[other]));
      return `${what} doubled`;
    case 2:
      field.number = random.int(1, 30);
      return `${what} -> ${field.number}`;
    case 3:
      field.type = random.pick([0, 1, 2, 5, 3, 7]);
      return `${what} of type ${field.type}`;
    case 4:
      delete field.fields;
      field.bytes = Uint8Array.from(Buffer.from(edgeText(random).slice(0, 1000)));
      return `${what} of other bytes`;
    default:
      field.value = BigInt(Math.trunc(edgeNumber(random, Number(field.value))));
      return `${what} = ${field.value}`;
  }
}
