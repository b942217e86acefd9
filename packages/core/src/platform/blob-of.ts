const PIECE = 2 ** 20;

/** A copy that other threads can read; the page has its turn in between. */
export async function blobOf(bytes: Uint8Array): Promise<Blob> {
  const pieces: Blob[] = [];
  for (let from = 0; from < bytes.length; from += PIECE) {
    if (from) await new Promise((resolve) => setTimeout(resolve));
    pieces.push(new Blob([bytes.subarray(from, from + PIECE) as Uint8Array<ArrayBuffer>]));
  }
  return new Blob(pieces);
}
