import { OnebitError } from "../errors.js";

export interface TransferOptions {
  /** Called with the bytes so far and, where it is known, the bytes there will be. */
  readonly progress?: (loaded: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/** The body behind an http(s) URL, whole. */
export async function fetchBytes(
  url: string | URL,
  { progress, signal }: TransferOptions = {},
): Promise<Uint8Array> {
  const response = await request(url, signal);
  if (!response.ok) {
    throw new OnebitError(`${url}: the server answers ${response.status} ${response.statusText}`);
  }
  if (!progress || !response.body) return new Uint8Array(await response.arrayBuffer());
  // Behind a content encoding the length is that of the compressed body.
  const encoded = response.headers.get("content-encoding") !== null;
  const length = encoded ? null : response.headers.get("content-length");
  return collect(response.body, (loaded) => {
    progress(loaded, length === null ? undefined : Number(length));
  });
}

async function request(url: string | URL, signal?: AbortSignal): Promise<Response> {
  try {
    return await fetch(url, { signal });
  } catch (error) {
    if (signal?.aborted) throw error;
    const cause = (error as { cause?: Error }).cause ?? (error as Error);
    throw new OnebitError(`${url}: cannot be fetched: ${cause.message}`, { cause: error });
  }
}

async function collect(
  body: ReadableStream<Uint8Array>,
  progress: (loaded: number) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let loaded = 0;
  const reader = body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    chunks.push(value);
    loaded += value.length;
    progress(loaded);
  }
  const bytes = new Uint8Array(loaded);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}
