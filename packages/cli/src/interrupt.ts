import { OnebitError } from "onebit";

/** An abort signal that Ctrl-C (SIGINT) or SIGTERM fires; a second Ctrl-C ends the process at once. */
export function abortOnInterrupt(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  const stop = () => {
    if (controller.signal.aborted) process.exit(130);
    process.stderr.write("\nstopping after this step; press Ctrl-C again to stop at once\n");
    controller.abort(new OnebitError("interrupted before it was done: run it again"));
  };
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const dispose = () => {
    process.off("SIGINT", stop);
    process.off("SIGTERM", stop);
  };
  return { signal: controller.signal, dispose };
}
