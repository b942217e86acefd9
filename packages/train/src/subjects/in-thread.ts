import { CalledThread } from "../threads/called-thread.js";
import type { Subject, SubjectOptions, Tensors } from "./subject.js";
import type { SubjectCall } from "./thread.js";

/** A subject in a thread of its own: what it computes goes on beside everything else. Dispose of it. */
export async function subjectInThread(path: string, options: SubjectOptions): Promise<Subject> {
  const thread = new CalledThread<SubjectCall>("subjects/thread.js", `the thread of ${path}`);
  const end = () => thread.end(`${path}: has been disposed of`);
  try {
    const about = (await thread.call({ open: path, options })) as Omit<Subject, "run" | "dispose">;
    return {
      ...about,
      run: async (batch, outputs) => (await thread.call({ batch, outputs })) as Tensors,
      dispose: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}
