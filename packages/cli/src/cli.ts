import { Command, CommanderError } from "commander";
import { OnebitError, UsageError } from "onebit";
import { stderrColors as colors } from "./colors.js";
import { registerCommands } from "./commands/index.js";
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
      outputError: (text, write) => write(text.replace(/^error:/, colors.red("error:"))),
    })
    .showHelpAfterError("(onebit --help lists the commands)");
  registerCommands(program);
  for (const command of program.commands) {
    command.showHelpAfterError(`(onebit ${command.name()} --help says more)`);
  }
  try {
    await program.parseAsync(argv);
    return DONE;
  } catch (error) {
    return report(error);
  }
}

function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE;
  if (error instanceof OnebitError) {
    process.stderr.write(`${colors.red("error:")} ${error.message}\n`);
    return error instanceof UsageError ? WRONG_USAGE : FAILED;
  }
  if (isSystemError(error)) {
    process.stderr.write(`${colors.red("error:")} ${error.message}\n`);
    return FAILED;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(`${colors.red("internal error:")} ${text}\n`);
  return FAILED;
}

/** What the operating system refused (a file, the network): a failure, but no bug. */
function isSystemError(error: unknown): error is NodeJS.ErrnoException {
  return error instanceof Error && "syscall" in error && "code" in error;
}
