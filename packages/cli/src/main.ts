#!/usr/bin/env node
import { runCli } from "./cli.js";

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  endIfClosed(error);
  process.stderr.write(`error: cannot write the output: ${error.message}\n`);
  process.exit(1);
});
// There is nowhere left to complain.
process.stderr.on("error", endIfClosed);

process.exitCode = await runCli(process.argv);

/** A reader that has seen enough (head) closes the pipe: that is no failure. */
function endIfClosed({ code }: NodeJS.ErrnoException): void {
  if (code === "EPIPE") process.exit(0);
}
