import { OnebitError } from "onebit";

/** One field of a protobuf message. `number` is that of its .proto file. */
export interface Field {
  readonly number: number;
  /** Of varints (signed, as int64 is) and fixed-width fields; inexact beyond 2^53. */
  readonly value: number;
  /** Of length-delimited fields (strings, messages, packed numbers); else empty. */
  readonly bytes: Uint8Array;
}

const EMPTY = new Uint8Array();
const MAX_VARINT = 10;

/**
 * The fields of one message, in order, views of `message`. OnebitError at the first that is cut
 * off or no protobuf; nothing is followed that does not lie within the message.
 */
export function* fields(message: Uint8Array): Generator<Field> {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let i = 0; i < MAX_VARINT; i++) {
      if (at >= message.length) throw cutOff();
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return value;
    }
    throw new OnebitError("not protobuf: a number has more than 64 bits");
  };
  /** Two's complement: bit 63 is the lowest of the tenth byte, and no float64 holds 2^64 - 1. */
  const signed = (): number => {
    const start = at;
    const value = varint();
    if (at - start < MAX_VARINT || !(message[at - 1] & 1)) return value;
    let size = 1;
    for (let i = 0; i < MAX_VARINT - 1; i++) size += (~message[start + i] & 0x7f) * 2 ** (7 * i);
    return -size;
  };
  const take = (length: number): number => {
    if (length > message.length - at) throw cutOff();
    at += length;
    return at - length;
  };
  while (at < message.length) {
    const tag = varint();
    const number = Math.floor(tag / 8);
    if (number < 1 || number >= 2 ** 29) {
      throw new OnebitError(`not protobuf: there is no field number ${number}`);
    }
    switch (tag % 8) {
      case 0:
        yield { number, value: signed(), bytes: EMPTY };
        break;
      case 1:
        yield { number, value: view.getFloat64(take(8), true), bytes: EMPTY };
        break;
      case 2: {
        const length = varint();
        const start = take(length);
        yield { number, value: 0, bytes: message.subarray(start, at) };
        break;
      }
      case 5:
        yield { number, value: view.getFloat32(take(4), true), bytes: EMPTY };
        break;
      default:
        throw new OnebitError(`not protobuf: field ${number} has the unknown type ${tag % 8}`);
    }
  }
}

function cutOff(): OnebitError {
  return new OnebitError("a field reaches beyond the end: the file is cut off or no protobuf");
}

export function textOf(bytes: Uint8Array): string {
  return new TextDecoder().decode(bytes);
}
