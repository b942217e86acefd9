import { createReadStream } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createGunzip } from "node:zlib";
import { OnebitError } from "onebit";
import { wrongFile } from "onebit/file";
import { checkRegularFile, unreadable } from "onebit/node";
import { counted } from "onebit/words";
import { sharedBytes } from "./split.js";

/** No data set in this format comes near. */
const MAX_BYTES = 2 ** 31 - 1;
/** Images of noise, drawings and photographs stay far below; what is larger is no image. */
const MAX_RATIO = 200;
const ALWAYS_ALLOWED = 2 ** 26;

export interface IdxArray {
  readonly dims: readonly number[];
  /** Shared between threads. */
  readonly data: Uint8Array<SharedArrayBuffer>;
}

/**
 * An idx file of bytes, gzipped or not, which its first bytes tell. Header: two zero bytes, type
 * (8 = unsigned byte), rank, then each dimension as big-endian uint32. The header is judged before
 * memory is taken, and no more is inflated than it says.
 */
export async function readIdx(path: string, ranks: number[], what: string): Promise<IdxArray> {
  const { isGzip, size } = await inspect(path);
  const source = createReadStream(path);
  const inflated = isGzip ? source.pipe(createGunzip()) : source;
  // An error of the file must end the pipe behind it.
  if (isGzip) source.on("error", (error) => inflated.destroy(error));
  const reader = new Reader(path, ranks, what, { isGzip, size });
  try {
    for await (const chunk of inflated as AsyncIterable<Buffer>) reader.add(chunk);
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith("Z_")) throw unreadable(path, error);
    throw new OnebitError(
      `${path}: is not a whole gzip file (${(error as Error).message}): download it again`,
    );
  } finally {
    source.destroy();
    inflated.destroy();
  }
  return reader.end();
}

interface Stored {
  readonly isGzip: boolean;
  /** On the disk. */
  readonly size: number;
}

async function inspect(path: string): Promise<Stored> {
  try {
    await checkRegularFile(path);
    const file = await open(path);
    try {
      const start = new Uint8Array(2);
      await file.read(start, 0, 2, 0);
      return { isGzip: start[0] === 0x1f && start[1] === 0x8b, size: (await stat(path)).size };
    } finally {
      await file.close();
    }
  } catch (error) {
    throw unreadable(path, error);
  }
}

/** Takes a file in pieces. */
class Reader {
  #head = new Uint8Array(0);
  #dims: number[] | undefined;
  #data: Uint8Array<SharedArrayBuffer> | undefined;
  #present = 0;

  constructor(
    readonly path: string,
    readonly ranks: readonly number[],
    readonly what: string,
    readonly stored: Stored,
  ) {}

  add(chunk: Uint8Array): void {
    if (this.#data) {
      this.#fill(chunk);
      return;
    }
    this.#head = Buffer.concat([this.#head, chunk]);
    const header = this.#headerLength();
    if (header === undefined || this.#head.length < header) return;
    this.#begin(header);
    this.#fill(this.#head.subarray(header));
  }

  end(): IdxArray {
    const { path } = this;
    const { length } = this.#head;
    if (length < 4) {
      throw new OnebitError(
        `${path}: only ${counted(length, "byte")}, not an idx file: download it again`,
      );
    }
    if (!this.#data || !this.#dims) {
      const header = this.#headerLength();
      throw new OnebitError(
        `${path}: ends inside its header, at ${length} of ${counted(header!, "byte")}`,
      );
    }
    this.#checkLength(this.#present);
    return { dims: this.#dims, data: this.#data };
  }

  /** Of the whole header, once the rank is known; an error where this is another file. */
  #headerLength(): number | undefined {
    if (this.#head.length < 4) return undefined;
    const view = new DataView(this.#head.buffer, this.#head.byteOffset);
    const magic = view.getUint32(0);
    const rank = magic & 0xff;
    if (magic >>> 8 === 8 && this.ranks.includes(rank)) return 4 + 4 * rank;
    const wrong = wrongFile(this.#head, { name: this.path, wanted: "idx" });
    if (wrong) throw wrong;
    const wanted = this.ranks.map((r) => `0x${(0x800 + r).toString(16).padStart(8, "0")}`);
    throw new OnebitError(
      `${this.path}: starts with 0x${magic.toString(16).padStart(8, "0")}, idx ${this.what} start with ${wanted.join(" or ")}: is this another file?`,
    );
  }

  #begin(header: number): void {
    const { path, stored } = this;
    const view = new DataView(this.#head.buffer, this.#head.byteOffset);
    const dims = Array.from({ length: header / 4 - 1 }, (_, i) => view.getUint32(4 + 4 * i));
    if (dims.includes(0)) {
      throw new OnebitError(`${path}: holds nothing (dimensions ${dims.join(" x ")})`);
    }
    this.#dims = dims;
    const size = dims.reduce((a, b) => a * b, 1);
    if (!stored.isGzip) this.#checkLength(stored.size - header);
    const isBomb = stored.isGzip && size > ALWAYS_ALLOWED && size > MAX_RATIO * stored.size;
    if (size <= MAX_BYTES && !isBomb) {
      this.#data = sharedBytes(size);
      return;
    }
    throw new OnebitError(
      `${path}: dimensions ${dims.join(" x ")} need ${size} bytes of data, more than ${isBomb ? `${stored.size} bytes of gzip hold of any images` : `the ${MAX_BYTES} that are read`}: is this file what it says?`,
    );
  }

  #fill(chunk: Uint8Array): void {
    const data = this.#data!;
    const room = data.length - this.#present;
    if (chunk.length > room) {
      throw new OnebitError(
        `${this.path}: dimensions ${this.#dims!.join(" x ")} need ${data.length} bytes of data, the file has more: download it again`,
      );
    }
    data.set(chunk, this.#present);
    this.#present += chunk.length;
  }

  #checkLength(present: number): void {
    const dims = this.#dims!;
    const size = dims.reduce((a, b) => a * b, 1);
    if (present === size) return;
    const difference =
      present < size
        ? `${counted(size - present, "byte")} missing`
        : `${counted(present - size, "byte")} too many`;
    throw new OnebitError(
      `${this.path}: dimensions ${dims.join(" x ")} need ${size} bytes of data, the file has ${present} (${difference}): download it again`,
    );
  }
}
