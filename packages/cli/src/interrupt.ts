import { OnebitError } from "onebit";
import { removeUnfinished } from "onebit/node";

/** Exit status of shells for a process that a signal has ended: 128 and its number. */
const STATUS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;
type Ending = keyof typeof STATUS;
const SIGNALS = Object.keys(STATUS) as Ending[];

/** Who sends another signal than Ctrl-C's does not wait; a step can take longer. */
const GRACE_MS = 1000;

/** Why a command ends before it is done, with the status that its process ends with. */
export class Interruption extends OnebitError {
  override name = "Interruption";

  constructor(
    message: string,
    readonly status: number,
  ) {
    super(message);
  }
}

/** Work that can be asked to stop. */
const running = new Set<AbortController>();

/**
 * An abort signal for work that stops in order: fired by Ctrl-C (SIGINT), SIGTERM, SIGHUP and
 * `interruptAll`. A second Ctrl-C ends the process at once; so does, a second later, any other
 * signal.
 */
export function abortOnInterrupt(): { signal: AbortSignal; dispose(): void } {
  const controller = new AbortController();
  let grace: NodeJS.Timeout | undefined;
  const stop = (name: Ending) => {
    if (controller.signal.aborted) return endBy(name);
    const again = name === "SIGINT" ? "; press Ctrl-C again to stop at once" : "";
    process.stderr.write(`\nstopping after this step${again}\n`);
    const message = "interrupted before it was done: run it again";
    controller.abort(new Interruption(message, STATUS[name]));
    if (name !== "SIGINT") grace = setTimeout(endBy, GRACE_MS, name);
  };
  running.add(controller);
  for (const name of SIGNALS) process.on(name, stop);
  const dispose = () => {
    clearTimeout(grace);
    running.delete(controller);
    for (const name of SIGNALS) process.off(name, stop);
  };
  return { signal: controller.signal, dispose };
}

/** Asks all work to stop; false where there is none that can. */
export function interruptAll(reason: Interruption): boolean {
  for (const controller of running) controller.abort(reason);
  return running.size > 0;
}

/**
 * Ends the process by the signal itself. process.exit would wait for threads, and abort where one of
 * them comes back from native code (ONNX Runtime) meanwhile.
 */
function endBy(name: Ending): void {
  removeUnfinished();
  process.removeAllListeners(name);
  process.kill(process.pid, name);
  // The first process of a container is not ended by its own signals.
  setTimeout(() => process.exit(STATUS[name]), 100);
}
