import { OnebitError } from "onebit";
import { utf8 } from "../cursor.js";

/**
 * The options of a custom op: a FlexBuffer whose root is a map of names to whole numbers or text. Values of
 * other types are left out, so that asking for them says so.
 *
 *   root    last bytes: its value, its type (kind * 4 + log2 of width), width of the value
 *   map     [offset of the keys, width of the keys, length] values, types (one byte each)
 *
 * Source of the format: flatbuffers.dev, "FlexBuffers"; offsets lead backwards.
 */
export function readFlexMap(
  bytes: Uint8Array<ArrayBuffer>,
  what: string,
): Map<string, number | string> {
  return new FlexReader(bytes, what).map();
}

const KIND = { int: 1, uint: 2, key: 4, string: 5, map: 9, bool: 26 } as const;

class FlexReader {
  readonly #view: DataView<ArrayBuffer>;

  constructor(
    readonly bytes: Uint8Array<ArrayBuffer>,
    readonly what: string,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  map(): Map<string, number | string> {
    const end = this.bytes.byteLength;
    this.#check(end - 2, 2);
    const [type, width] = [this.bytes[end - 2], this.bytes[end - 1]];
    if (type >> 2 !== KIND.map) throw this.#damaged("its options are no map");
    const values = this.#follow(end - 2 - width, width);
    return this.#entries(values, 1 << (type & 3));
  }

  #entries(values: number, width: number): Map<string, number | string> {
    const length = this.#unsigned(values - width, width);
    this.#check(values, length * (width + 1));
    const keys = this.#follow(values - 3 * width, width);
    const keyWidth = this.#unsigned(values - 2 * width, width);
    const entries = new Map<string, number | string>();
    for (let i = 0; i < length; i++) {
      const key = this.#key(this.#follow(keys + i * keyWidth, keyWidth));
      const type = this.bytes[values + length * width + i];
      const value = this.#value(values + i * width, width, type);
      if (value !== undefined) entries.set(key, value);
    }
    return entries;
  }

  #value(at: number, width: number, type: number): number | string | undefined {
    switch (type >> 2) {
      case KIND.int:
        return this.#signed(at, width);
      case KIND.uint:
      case KIND.bool:
        return this.#unsigned(at, width);
      case KIND.key:
        return this.#key(this.#follow(at, width));
      case KIND.string: {
        const start = this.#follow(at, width);
        const bytes = 1 << (type & 3);
        const length = this.#unsigned(start - bytes, bytes);
        this.#check(start, length);
        return utf8(this.bytes.subarray(start, start + length), this.what);
      }
      default:
        return undefined;
    }
  }

  #key(at: number): string {
    const end = this.bytes.indexOf(0, at);
    if (at < 0 || end < 0) throw this.#damaged("a name of its options has no end");
    return utf8(this.bytes.subarray(at, end), this.what);
  }

  #follow(at: number, width: number): number {
    const place = at - this.#unsigned(at, width);
    this.#check(place, 0);
    return place;
  }

  #unsigned(at: number, width: number): number {
    return this.#number(at, width, {
      1: () => this.#view.getUint8(at),
      2: () => this.#view.getUint16(at, true),
      4: () => this.#view.getUint32(at, true),
      8: () => Number(this.#view.getBigUint64(at, true)),
    });
  }

  #signed(at: number, width: number): number {
    return this.#number(at, width, {
      1: () => this.#view.getInt8(at),
      2: () => this.#view.getInt16(at, true),
      4: () => this.#view.getInt32(at, true),
      8: () => Number(this.#view.getBigInt64(at, true)),
    });
  }

  #number(at: number, width: number, readers: { [width: number]: () => number }): number {
    const read = readers[width];
    if (!read) throw this.#damaged(`its options have numbers of ${width} bytes`);
    this.#check(at, width);
    return read();
  }

  #check(at: number, length: number): void {
    if (at >= 0 && at + length <= this.bytes.byteLength) return;
    throw this.#damaged("its options lead outside of themselves");
  }

  #damaged(why: string): OnebitError {
    return new OnebitError(`${this.what}: ${why}: the file is damaged`);
  }
}
