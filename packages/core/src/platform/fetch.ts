import { OnebitError } from "../errors.js";
import { Receiver } from "../file/receive.js";
import { isNode } from "./is-node.js";
import { DEFAULT_TIMEOUT, type TransferOptions } from "./transfer.js";
import type { UrlLike } from "./web-types.js";

/** Longest that a timer can be set to. */
const LONGEST = 2 ** 31 - 1;

/** How often a transfer that breaks off is taken up again, after so many milliseconds, then twice as many. */
const RETRIES = 3;
const FIRST_PAUSE = 250;

/** A file, and what tells its versions apart, where the server says it: its ETag, or when it was changed. */
export interface Fetched {
  readonly bytes: Uint8Array;
  readonly version?: string;
}

/** The packed file behind a URL: as much as its header says, or an OnebitError in words. */
export async function fetchPacked(
  url: string | UrlLike,
  { progress, signal, timeout = DEFAULT_TIMEOUT }: TransferOptions = {},
): Promise<Fetched> {
  const transfer = new AbortController();
  let silent = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(
      () => {
        silent = true;
        transfer.abort();
      },
      Math.min(timeout, LONGEST),
    );
  };
  const stop = () => transfer.abort();
  signal?.addEventListener("abort", stop);
  const download = new Download(url, transfer.signal, (loaded, total) => {
    heard();
    progress?.(loaded, total);
  });
  try {
    heard();
    return await download.whole();
  } catch (error) {
    transfer.abort();
    signal?.throwIfAborted();
    if (silent) throw failure(url, `nothing has arrived for ${timeout / 1000} s (option timeout)`);
    throw failure(url, (error as Error).message, (error as Error).cause ?? error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

/** Thrown inside where it is worth to try again. */
class BrokenOff extends Error {}

/** A file that comes in one response, or in several where these break off. */
class Download {
  readonly #url: string | UrlLike;
  readonly #signal: AbortSignal;
  readonly #heard: NonNullable<TransferOptions["progress"]>;
  #receiver = new Receiver();
  /** Of what has come; undefined where it cannot be taken up in the middle. */
  #partOf: string | undefined;
  /** Bytes of the whole file, as the server says. */
  #announced: number | undefined;

  constructor(
    url: string | UrlLike,
    signal: AbortSignal,
    heard: NonNullable<TransferOptions["progress"]>,
  ) {
    this.#url = url;
    this.#signal = signal;
    this.#heard = heard;
  }

  async whole(): Promise<Fetched> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await this.#more(attempt > 0);
      } catch (error) {
        if (!(error instanceof BrokenOff) || attempt === RETRIES || this.#signal.aborted)
          throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, FIRST_PAUSE * 2 ** attempt));
    }
  }

  async #more(again: boolean): Promise<Fetched> {
    const partOf = this.#partOf;
    const from = partOf === undefined ? 0 : this.#receiver.length;
    // Unless this goes well, the next one begins again.
    this.#partOf = undefined;
    const response = await request(this.#url, this.#signal, from).catch((error) => {
      throw again ? this.#brokenOff(error) : error;
    });
    if (from > 0 && response.status === 206) {
      if (!continues(response, from, partOf)) throw this.#brokenOff(new Error("it has changed"));
    } else this.#receiver = new Receiver();
    this.#partOf = wholeOf(response);
    const expected = announced(response);
    this.#announced = expected && expected + this.#receiver.length;
    this.#heard(this.#receiver.length, this.#total);
    let came = 0;
    await receive(response, (piece) => {
      came += piece.length;
      this.#receiver.add(piece);
      this.#heard(this.#receiver.length, this.#total);
    }).catch((error) => {
      if (error instanceof OnebitError) throw error;
      // What else a server announced is not part of the file.
      if (!this.#receiver.isWhole) throw this.#brokenOff(error);
    });
    // A connection that just ended, before what was announced.
    if (expected !== undefined && came < expected && !this.#receiver.isWhole)
      throw this.#brokenOff(new Error("it ended early"));
    return { bytes: this.#receiver.end(), version: versionOf(response) };
  }

  /** The file's own header knows best. */
  get #total(): number | undefined {
    return this.#receiver.total ?? this.#announced;
  }

  #brokenOff(cause: Error): BrokenOff {
    const of = `${this.#receiver.length} of ${this.#total ?? "unknown"} bytes`;
    return new BrokenOff(`broke off after ${of}: ${reasonOf(cause)}`, { cause });
  }
}

/** Whether a part of a file fits what has come of it. Pages are not told the range by other origins. */
function continues(response: Response, from: number, partOf: string | undefined): boolean {
  const range = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "");
  return wholeOf(response) === partOf && (range === null || Number(range[1]) === from);
}

function failure(url: string | UrlLike, what: string, cause?: unknown): OnebitError {
  return new OnebitError(`${url}: ${what}`, { cause });
}

async function request(
  url: string | UrlLike,
  signal: AbortSignal,
  from: number,
): Promise<Response> {
  const headers = from > 0 ? { range: `bytes=${from}-` } : undefined;
  let response: Response;
  try {
    response = await fetch(url as string | URL, { signal, headers });
  } catch (error) {
    const why = `cannot be fetched: ${reasonOf(error as Error)}`;
    throw new OnebitError(isNode() ? why : `${why}${BLOCKED}`, { cause: error });
  }
  if (response.ok) return response;
  const { status, statusText } = response;
  const answer = `the server answers ${status} ${statusText}`.trimEnd();
  throw new OnebitError(status === 404 ? `${answer}: is the model there, by this name?` : answer);
}

/** Pages are not told why. */
const BLOCKED =
  ": is it served (not file:), does its server allow this page (CORS), and the page's content security policy its server (connect-src)?";

/** What tells versions of a file apart, where the server says it. */
export function versionOf({ headers }: Response): string | undefined {
  return headers.get("etag") ?? headers.get("last-modified") ?? undefined;
}

/** The same where parts of one version fit each other to the byte, and are not counted compressed. */
function wholeOf(response: Response): string | undefined {
  const version = versionOf(response);
  return isEncoded(response.headers) || version?.startsWith("W/") ? undefined : version;
}

/** Bytes that a response says it has. */
function announced({ headers }: Response): number | undefined {
  const length = headers.get("content-length");
  return length === null || isEncoded(headers) ? undefined : Number(length);
}

const isEncoded = (headers: Headers) =>
  (headers.get("content-encoding") ?? "identity") !== "identity";

async function receive(response: Response, add: (piece: Uint8Array) => void): Promise<void> {
  if (!response.body) return add(new Uint8Array(await response.arrayBuffer()));
  const reader = response.body.getReader();
  // Pieces that are there already would follow each other without a pause.
  let start = performance.now();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    add(value);
    if (performance.now() - start < AT_A_STRETCH) continue;
    await new Promise((resolve) => setTimeout(resolve));
    start = performance.now();
  }
}

/** Milliseconds until the page has its turn: half a long task would already be felt. */
const AT_A_STRETCH = 15;

/** Node's fetch tells in the cause what happened, and not always in the message. */
function reasonOf(error: Error): string {
  const cause = (error.cause ?? error) as Error & { code?: string };
  return cause.message || cause.code || error.message;
}
