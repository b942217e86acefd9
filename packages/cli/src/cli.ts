import { Command, CommanderError } from "commander";
import { OnebitError, UsageError } from "onebit";
import { stderrColors as colors } from "./colors.js";
import { commands } from "./commands/index.js";
import { register } from "./flags/command.js";
import { listed } from "./flags/readers.js";
import { sendable } from "./foreign-text.js";
import { Interruption } from "./interrupt.js";
import { BrokenOutput } from "./streams.js";
import { version } from "./version.js";

const DONE = 0;
const FAILED = 1;
const WRONG_USAGE = 2;

/** Runs one command; argv as in process.argv. Returns the exit status. */
export async function runCli(argv: readonly string[]): Promise<number> {
  const program = new Command("onebit")
    .description("1-bit neural networks: train, pack and run")
    .version(version())
    .exitOverride()
    .configureOutput({
      outputError: (text, write) => write(usageMessage(text)),
    })
    .showHelpAfterError("(npx onebit --help lists the commands)")
    .addHelpText(
      "after",
      "\nExit status: 0 done, 1 failed, 2 wrong usage, 141 the reader of the output has\ngone; 130, 143, 129 stopped by Ctrl-C, SIGTERM, SIGHUP.",
    );
  for (const command of commands) register(program, command);
  try {
    await program.parseAsync(argv);
    return DONE;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof BrokenOutput) return error.status;
  if (error instanceof OnebitError) {
    say("error:", error.message);
    return statusOf(error);
  }
  if (isSystemError(error)) {
    say("error:", error.message);
    return FAILED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say("internal error:", text);
  return FAILED;
}

/** Commander's, which may say on further lines what was meant instead. */
function usageMessage(text: string): string {
  const coloured = `${text.trimEnd()}${whoseFlag(text)}\n`.replace(/^error:/, colors.red("error:"));
  return coloured.split("\n").map(sendable).join("\n");
}

/** For a flag that this command lacks and does not nearly have: the commands that have it. */
function whoseFlag(text: string): string {
  const [, name] = /unknown option '(--[\w-]+)'$/.exec(text.trimEnd()) ?? [];
  const owners = commands.filter(({ flags }) => flags.some((flag) => flag.name === name));
  if (!owners.length) return "";
  return `\n(onebit ${listed(owners.map((owner) => owner.name))} takes it)`;
}

function say(what: string, text: string): void {
  process.stderr.write(`${sendable(`${colors.red(what)} ${text}`)}\n`);
}

/** The work says how to go on, the interruption behind it with which status to end. */
function statusOf(error: OnebitError): number {
  const reason = error instanceof Interruption ? error : error.cause;
  if (reason instanceof Interruption) return reason.status;
  return error instanceof UsageError ? WRONG_USAGE : FAILED;
}

/** What the operating system refused (a file, the network): a failure, but no bug. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}
