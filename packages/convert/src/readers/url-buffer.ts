import { OnebitError, type SignalLike } from "onebit";
import { type AsyncBuffer, allocate } from "./async-buffer.js";

/** Reads smaller than this are answered from blocks that are kept: headers come in many small pieces. */
const blockBytes = 2 ** 20;
const keptBlocks = 8;

/** How a file is asked for over HTTP. */
export interface UrlOptions {
  readonly signal?: SignalLike;
  /** Added to every request, such as an authorization. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface Response206 {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly total: number;
  readonly version: string | null;
}

/**
 * A file behind HTTP or HTTPS, read by range requests. The server must answer them with 206 and a
 * Content-Range that fits; a file that changes between two requests is an error.
 */
export async function urlBuffer(address: string, options: UrlOptions = {}): Promise<AsyncBuffer> {
  const url = parseUrl(address);
  const name = `${url.origin}${url.pathname}`;
  const first = await fetchRange(url, 0, 1, name, options);
  const { total, version } = first;
  const get = async (start: number, end: number) => {
    const part = await fetchRange(url, start, end, name, options);
    if (part.total === total && part.version === version) return part.bytes;
    throw new OnebitError(`${name}: the file changed while it was read: start again`);
  };
  const blocks = new Map<number, Promise<Uint8Array<ArrayBuffer>>>();
  const block = (index: number) => {
    const start = index * blockBytes;
    const bytes = blocks.get(index) ?? get(start, Math.min(total, start + blockBytes));
    // The most recently used block is the last of the map.
    blocks.delete(index);
    blocks.set(index, bytes);
    bytes.catch(() => blocks.delete(index));
    const [oldest] = blocks.keys();
    if (blocks.size > keptBlocks) blocks.delete(oldest);
    return bytes;
  };
  const slice = async (start: number, end: number) => {
    if (end <= start) return new Uint8Array(0);
    const index = Math.floor(start / blockBytes);
    if (Math.floor((end - 1) / blockBytes) !== index) return get(start, end);
    return (await block(index)).slice(start - index * blockBytes, end - index * blockBytes);
  };
  return { name, byteLength: total, slice };
}

function parseUrl(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (url?.protocol === "http:" || url?.protocol === "https:") return url;
  throw new OnebitError(`${address}: is not an http or https address`);
}

async function fetchRange(
  url: URL,
  start: number,
  end: number,
  name: string,
  { signal, headers }: UrlOptions,
): Promise<Response206> {
  const range = { range: `bytes=${start}-${end - 1}`, "accept-encoding": "identity" };
  const init = { headers: { ...headers, ...range }, signal: signal as AbortSignal | undefined };
  const response = await fetch(url, init).catch((error: unknown) => {
    signal?.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new OnebitError(
      `${name}: cannot be reached: ${cause instanceof Error ? cause.message : cause}`,
    );
  });
  try {
    const total = checkResponse(response, start, end, name);
    return {
      bytes: await readBody(response, end - start, name),
      total,
      version: response.headers.get("etag"),
    };
  } finally {
    await response.body?.cancel().catch(() => undefined);
  }
}

/** Returns the size of the whole file. */
function checkResponse(response: Response, start: number, end: number, name: string): number {
  if (response.status === 200) {
    throw new OnebitError(
      `${name}: the server ignores range requests and would send the whole file: download it and give its path`,
    );
  }
  if (response.status === 416)
    throw new OnebitError(`${name}: the file is empty or became shorter`);
  if (response.status !== 206) {
    throw new OnebitError(`${name}: the server answered ${response.status} ${response.statusText}`);
  }
  const given = response.headers.get("content-range") ?? "none";
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(given);
  const [, from, to, total] = match?.map(Number) ?? [];
  const encoding = response.headers.get("content-encoding") ?? "identity";
  if (from === start && to === end - 1 && to < total && encoding === "identity") return total;
  throw new OnebitError(
    `${name}: bytes ${start}-${end - 1} were asked for, the server sent ${given} (${encoding}): download the file and give its path`,
  );
}

/** Reads exactly `length` bytes: a body that is longer or shorter than promised is refused. */
async function readBody(response: Response, length: number, name: string) {
  const bytes = allocate(length, name);
  let filled = 0;
  const reader = response.body?.getReader();
  while (reader) {
    const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
    if (done || !value) break;
    if (filled + value.length > length) {
      throw new OnebitError(`${name}: the server sent more than the ${length} bytes asked for`);
    }
    bytes.set(value, filled);
    filled += value.length;
  }
  reader?.releaseLock();
  if (filled === length) return bytes;
  throw new OnebitError(
    `${name}: the connection ended after ${filled} of ${length} bytes: try again`,
  );
}
