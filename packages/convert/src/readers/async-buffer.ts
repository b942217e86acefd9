import { OnebitError } from "onebit";

/** Bytes that can be read by range: a file, a URL or memory. */
export interface AsyncBuffer {
  /** Path or address, for messages. */
  readonly name?: string;
  readonly byteLength: number;
  /** Bytes [start, end) in memory of their own: the caller may keep or change them. */
  slice(start: number, end: number): Promise<Uint8Array<ArrayBuffer>>;
  close?(): Promise<void>;
}

/** Bytes in memory as a buffer; `name` is what errors call it. */
export function memoryBuffer(bytes: ArrayBuffer | Uint8Array, name?: string): AsyncBuffer {
  const view = bytes instanceof Uint8Array ? bytes : new Uint8Array(bytes);
  return {
    name,
    byteLength: view.byteLength,
    slice: async (start, end) => new Uint8Array(view.subarray(start, end)),
  };
}

/**
 * Bytes [start, end) of a buffer. A range outside the buffer is an error that names `what` is being
 * read, never a short answer.
 */
export async function readRange(
  buffer: AsyncBuffer,
  start: number,
  end: number,
  what: string,
): Promise<Uint8Array<ArrayBuffer>> {
  if (!(start >= 0 && start <= end && end <= buffer.byteLength)) {
    throw new OnebitError(
      `${what} should be at bytes ${start} to ${end}, but there are ${buffer.byteLength} bytes: the file is truncated or damaged, fetch it again`,
    );
  }
  const bytes = await buffer.slice(start, end);
  if (bytes.byteLength !== end - start) {
    throw new OnebitError(
      `${what}: ${bytes.byteLength} of ${end - start} bytes could be read: did the file change meanwhile?`,
    );
  }
  return bytes;
}

/** No tensor of a network comes near this; larger reads could exhaust the memory. */
const maxReadBytes = 2 ** 32;

/** Memory for `length` bytes, or an error that says what they were for. */
export function allocate(length: number, what: string): Uint8Array<ArrayBuffer> {
  try {
    if (length <= maxReadBytes) return new Uint8Array(length);
  } catch {
    // Not enough memory: reported below.
  }
  throw new OnebitError(`${what} has ${length} bytes: too many to hold in memory`);
}

/** Runs `read` and puts the buffer's name before the message of what goes wrong. */
export async function naming<T>(buffer: AsyncBuffer, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { name } = buffer;
    const known = error instanceof OnebitError && name && !error.message.startsWith(`${name}: `);
    throw known ? new OnebitError(`${name}: ${error.message}`, { cause: error }) : error;
  }
}
