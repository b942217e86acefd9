import { OnebitError } from "onebit";

/** Inflates piece by piece: no more than a few pieces are in memory, whatever the input claims. */
export async function* inflated(
  compressed: AsyncGenerator<Uint8Array<ArrayBuffer>>,
  what: string,
): AsyncGenerator<Uint8Array<ArrayBuffer>> {
  const source = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await compressed.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
  });
  const reader = source.pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  try {
    while (true) {
      const { value, done } = await reader.read();
      if (done) return;
      yield value;
    }
  } catch (error) {
    if (error instanceof OnebitError) throw error;
    throw new OnebitError(`zip: ${what} is damaged: its compressed data cannot be inflated`);
  } finally {
    await reader.cancel().catch(() => undefined);
  }
}
