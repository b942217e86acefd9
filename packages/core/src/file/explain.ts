import { NotSafetensors } from "./safetensors-header.js";

/**
 * What a file is that should be a packed network and is none; `error` where its first bytes
 * do not tell. The names of all other kinds of files are loaded only here.
 *
 * @param start first bytes of the file, where the error does not hold them
 */
export async function explain(
  error: unknown,
  name: string,
  start: Uint8Array | undefined = startIn(error),
): Promise<unknown> {
  if (!start) return error;
  try {
    const { LOADED, unknownKind, wrongKind } = await import("../words/failures.js");
    return wrongKind(start, name, LOADED) ?? unknownKind(start, name, LOADED) ?? error;
  } catch {
    // A copy of the bundle without onebit.rare.js beside it.
    return error;
  }
}

function startIn(error: unknown): Uint8Array | undefined {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof NotSafetensors) return cause.start;
  }
  return undefined;
}
