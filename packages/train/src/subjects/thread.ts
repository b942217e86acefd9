// What in-thread.ts starts: opens one subject and answers one batch after another.
import type { FloatTensor } from "onebit";
import { answerCalls } from "../threads/answer-calls.js";
import { openSubject, type Subject, type SubjectOptions } from "./subject.js";

export type SubjectCall =
  | { readonly open: string; readonly options: SubjectOptions }
  | { readonly batch: FloatTensor; readonly outputs?: readonly string[] };

let subject: Subject | undefined;

answerCalls(async (call: SubjectCall): Promise<unknown> => {
  if ("open" in call) return open(call.open, call.options);
  return subject!.run(call.batch, call.outputs);
});

/** Everything about it that can leave the thread. */
async function open(path: string, options: SubjectOptions) {
  subject = await openSubject(path, options);
  const { kind, backend, threads, notes, input, outputs, preprocess, inputType } = subject;
  const { normalisationAssumed } = subject;
  const { classes, labels, labelsAssumed } = subject.scores ?? {};
  return {
    ...{ kind, path, backend, threads, notes, input, outputs, preprocess, inputType },
    normalisationAssumed,
    scores: classes === undefined ? undefined : { classes, labels, labelsAssumed },
  };
}
