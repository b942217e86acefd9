import { parentPort } from "node:worker_threads";
import { pack, type ThreadError } from "./thread-error.js";

/** What a CalledThread gets back. */
export type ThreadReply = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: ThreadError }
);

/**
 * In a worker: answers the calls of a CalledThread, one after the other. given: whose buffers an answer gives
 * away.
 */
export function answerCalls<Call, Value>(
  perform: (call: Call) => Promise<Value>,
  given: (value: Value) => readonly ArrayBuffer[] = () => [],
): void {
  const port = parentPort!;
  let queue = Promise.resolve();
  const answer = async ({ id, call }: { readonly id: number; readonly call: Call }) => {
    try {
      const value = await perform(call);
      port.postMessage({ id, value } satisfies ThreadReply, given(value));
    } catch (error) {
      port.postMessage({ id, error: pack(error) } satisfies ThreadReply);
    }
  };
  port.on("message", (message) => {
    queue = queue.then(() => answer(message));
  });
}
