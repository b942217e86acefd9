import type { Backend } from "../runtime/backend.js";
import { BACKENDS, type BackendName, backendFor } from "../runtime/backends.js";
import type { Subject } from "./run.js";

/** The backends that can be tried here. */
export interface Subjects {
  readonly subjects: readonly Subject[];
  /** Why the other backends cannot run here. */
  readonly reasons: { readonly [backend: string]: string };
}

/** Every backend that loads here at every thread count, fastest first; once where it has one thread. */
export async function subjectsHere(
  names: readonly BackendName[] = BACKENDS,
  threads: readonly number[] = [1, 2],
): Promise<Subjects> {
  const subjects: Subject[] = [];
  const reasons: { [backend: string]: string } = {};
  for (const name of names) {
    const loaded = await tryLoading(name);
    if (typeof loaded === "string") {
      reasons[name] = loaded;
      continue;
    }
    const counts = loaded.threads === "one" ? [1] : threads;
    subjects.push(...counts.map((count) => ({ backend: loaded, threads: count })));
  }
  return { subjects, reasons };
}

/** The backend, or why there is none. */
async function tryLoading(name: BackendName): Promise<Backend | string> {
  try {
    const backend = await backendFor(name);
    return (await backend.unavailable()) ?? backend;
  } catch (error) {
    return (error as Error).message;
  }
}
