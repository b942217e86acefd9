import { OnebitError } from "../errors.js";
import { Receiver } from "../file/receive.js";
import { isNode } from "./is-node.js";
import { DEFAULT_TIMEOUT, type TransferOptions } from "./transfer.js";
import type { UrlLike } from "./web-types.js";

/** Longest that a timer can be set to. */
const LONGEST = 2 ** 31 - 1;

/** The packed file behind a URL: as much as its header says, or an OnebitError in words. */
export async function fetchPacked(
  url: string | UrlLike,
  { progress, signal, timeout = DEFAULT_TIMEOUT }: TransferOptions = {},
): Promise<Uint8Array> {
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
  const receiver = new Receiver();
  try {
    heard();
    const response = await request(url, transfer.signal);
    await receive(response, (piece) => {
      heard();
      receiver.add(piece);
      progress?.(receiver.length, receiver.total);
    });
    return receiver.end();
  } catch (error) {
    transfer.abort();
    signal?.throwIfAborted();
    if (silent) throw failure(url, `nothing has arrived for ${timeout / 1000} s (option timeout)`);
    throw failure(url, describeFailure(error as Error, receiver), error);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener("abort", stop);
  }
}

function failure(url: string | UrlLike, what: string, cause?: unknown): OnebitError {
  return new OnebitError(`${url}: ${what}`, { cause });
}

async function request(url: string | UrlLike, signal: AbortSignal): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url as string | URL, { signal });
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

async function receive(response: Response, add: (piece: Uint8Array) => void): Promise<void> {
  if (!response.body) return add(new Uint8Array(await response.arrayBuffer()));
  const reader = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    add(value);
  }
}

function describeFailure(error: Error, { length, total }: Receiver): string {
  if (error instanceof OnebitError) return error.message;
  return `broke off after ${length} of ${total ?? "unknown"} bytes: ${reasonOf(error)}`;
}

/** Node's fetch tells in the cause what happened, and not always in the message. */
function reasonOf(error: Error): string {
  const cause = (error.cause ?? error) as Error & { code?: string };
  return cause.message || cause.code || error.message;
}
