import { OnebitError } from "../errors.js";
import { METADATA_ENTRY, NOT_PACKED } from "./onebit-file.js";
import { announcement, headerLength, NotSafetensors } from "./safetensors-header.js";

/** No packed network comes near; larger is a mistake, or an attempt to fill the memory. */
export const MAX_FILE_BYTES = 2 ** 31 - 1;

/** Room for most networks; more only where so much has arrived. */
const ROOM = 2 ** 24;

/** OnebitError for what cannot be a packed network by its first 8 bytes and its length. */
export function checkStart(start: Uint8Array, fileLength: number): void {
  headerLength(start, fileLength);
  checkSize(fileLength);
}

/** OnebitError for a file that is too large. */
export function checkSize(fileLength: number): void {
  if (fileLength <= MAX_FILE_BYTES) return;
  const size = `${(fileLength / 2 ** 30).toFixed(1)} GiB`;
  throw new OnebitError(`${size}: packed networks have less than 2 GiB; is it another file?`);
}

/**
 * A packed file that arrives in pieces, from who knows where: its header, which comes first, says
 * how many bytes there are, and no more are taken.
 */
export class Receiver {
  #bytes = new Uint8Array(0);
  #length = 0;
  /** Of the whole file, once its header is there. */
  #total: number | undefined;
  #header: number | undefined;

  /** Bytes that have arrived. */
  get length(): number {
    return this.#length;
  }

  /** Bytes of the whole file, once they are known. */
  get total(): number | undefined {
    return this.#total;
  }

  get isWhole(): boolean {
    return this.#length === this.#total;
  }

  /** OnebitError where this is no such file, or more than its header says. */
  add(piece: Uint8Array): void {
    this.#reserve(this.#length + piece.length);
    this.#bytes.set(piece.subarray(0, this.#bytes.length - this.#length), this.#length);
    this.#length += piece.length;
    this.#readHeader();
    if (this.#total !== undefined && this.#length > this.#total) {
      throw new OnebitError(
        `more bytes than the ${this.#total} that its header says: damaged, or not the file alone`,
      );
    }
  }

  /** All bytes. OnebitError where some are missing. */
  end(): Uint8Array {
    if (this.#header === undefined) checkStart(this.#bytes.subarray(0, this.#length), this.#length);
    const total = this.#total ?? 8 + this.#header!;
    if (this.#length === total) return this.#bytes.subarray(0, total);
    throw new OnebitError(
      `cut off: ${total - this.#length} of ${total} bytes are missing; fetch or copy it again`,
    );
  }

  #readHeader(): void {
    if (this.#header === undefined) {
      if (this.#length < 9) return;
      this.#header = headerLength(this.#bytes, Number.POSITIVE_INFINITY);
    }
    const data = 8 + this.#header;
    if (this.#total !== undefined || this.#length < data) return;
    const { metadata, dataLength } = announcement(this.#bytes.subarray(8, data));
    if (!Object.hasOwn(metadata, METADATA_ENTRY)) {
      // Said already, so that gigabytes of a float model need not come first.
      throw new NotSafetensors(NOT_PACKED, this.#bytes.subarray(0, this.#length));
    }
    checkSize(data + dataLength);
    this.#total = data + dataLength;
  }

  #reserve(length: number): void {
    const { length: room } = this.#bytes;
    if (length <= room || room === this.#total) return;
    const doubled = Math.max(length, 2 * room);
    const wanted = this.#total ? Math.min(this.#total, Math.max(doubled, ROOM)) : doubled;
    const grown = new Uint8Array(Math.max(wanted, room));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }
}
