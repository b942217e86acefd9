import { Interruption, interruptAll } from "./interrupt.js";

/** What shells say of a program whose reader has gone: 128 + SIGPIPE. */
const READER_GONE = 141;
const FAILED = 1;

/** Nothing more can be printed. Whoever needs to know has been told. */
export class BrokenOutput extends Interruption {
  override name = "BrokenOutput";
}

export function readerGone(): BrokenOutput {
  return new BrokenOutput("nobody reads the output any more", READER_GONE);
}

let broken: BrokenOutput | undefined;

/** Prints; throws once that has become impossible, so that a command ends in order. */
export function send(stream: NodeJS.WriteStream, text: string): void {
  if (broken) throw broken;
  stream.write(text);
}

/** Stops the process in order when its output goes nowhere: a reader (head) has seen enough, a full disk. */
export function watchStreams(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") return end(readerGone());
    end(new BrokenOutput(`cannot write the output: ${error.message}`, FAILED));
  });
  process.stderr.on("error", ({ code }: NodeJS.ErrnoException) => {
    // Of anything else there is nowhere left to complain.
    if (code === "EPIPE") end(readerGone());
  });
}

function end(reason: BrokenOutput): void {
  if (broken) return;
  broken = reason;
  process.exitCode = reason.status;
  const stops = interruptAll(reason);
  // Programs say nothing of a reader that has gone; one that stops its work does.
  if (reason.status === READER_GONE && !stops) return;
  process.stderr.write(`error: ${reason.message}${stops ? ": stopping after this step" : ""}\n`);
}
