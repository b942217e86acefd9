// What in-thread.ts starts: opens one subject and answers one batch after another.
import { parentPort } from "node:worker_threads";
import type { FloatTensor } from "onebit";
import { pack, type ThreadError } from "../engine/thread-error.js";
import { openSubject, type Subject, type SubjectOptions, type Tensors } from "./subject.js";

export type ThreadCall = { readonly id: number } & (
  | { readonly open: string; readonly options: SubjectOptions }
  | { readonly batch: FloatTensor; readonly outputs?: readonly string[] }
);

export type ThreadReply = { readonly id: number } & (
  | { readonly value: unknown }
  | { readonly error: ThreadError }
);

const port = parentPort!;
let subject: Subject | undefined;
let queue = Promise.resolve();

port.on("message", (call: ThreadCall) => {
  queue = queue.then(() => answer(call));
});

async function answer(call: ThreadCall): Promise<void> {
  try {
    const value = "open" in call ? await open(call.open, call.options) : await run(call);
    port.postMessage({ id: call.id, value } satisfies ThreadReply);
  } catch (error) {
    port.postMessage({ id: call.id, error: pack(error) } satisfies ThreadReply);
  }
}

/** Everything about it that can leave the thread. */
async function open(path: string, options: SubjectOptions) {
  subject = await openSubject(path, options);
  const { kind, backend, threads, notes, input, outputs, preprocess, inputType } = subject;
  const { classes, labels, labelsAssumed } = subject.scores ?? {};
  return {
    ...{ kind, path, backend, threads, notes, input, outputs, preprocess, inputType },
    scores: classes === undefined ? undefined : { classes, labels, labelsAssumed },
  };
}

function run({ batch, outputs }: Extract<ThreadCall, { batch: FloatTensor }>): Promise<Tensors> {
  return subject!.run(batch, outputs);
}
