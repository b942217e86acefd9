import { type Command, Option } from "commander";
import { UsageError } from "onebit";
import type { AnyFlag, FlagValues } from "./flag.js";
import { Given } from "./given.js";

/** A command: everything that help, parsing and the list in the documentation need. */
export interface CommandDeclaration {
  readonly name: string;
  /** "<file>", "[inputs...]" */
  readonly arguments: readonly string[];
  readonly about: string;
  readonly flags: readonly AnyFlag[];
  /** Below the flags. */
  readonly more?: string;
  readonly run: (
    args: readonly (string | readonly string[] | undefined)[],
    given: Given,
  ) => Promise<void> | void;
}

interface Typed<A extends readonly string[], F extends readonly AnyFlag[]> {
  readonly name: string;
  readonly arguments: A;
  readonly about: string;
  readonly flags: F;
  readonly more?: string;
  readonly run: (
    args: { readonly [i in keyof A]: ArgumentOf<A[i]> },
    flags: FlagValues<F>,
    given: Given,
  ) => Promise<void> | void;
}

type ArgumentOf<S> = S extends `${string}...${string}`
  ? readonly string[]
  : S extends `[${string}`
    ? string | undefined
    : string;

export function command<const A extends readonly string[], const F extends readonly AnyFlag[]>(
  declared: Typed<A, F>,
): CommandDeclaration {
  return {
    ...declared,
    run: (args, given) => declared.run(args as never, given.values(declared.flags) as never, given),
  };
}

/** Makes it a command of commander's, which splits the line and writes the help. */
export function register(program: Command, declared: CommandDeclaration): void {
  const { name, about, flags, more } = declared;
  const made = program.command([name, ...declared.arguments].join(" ")).description(about);
  for (const flag of flags) made.addOption(optionOf(flag));
  if (more !== undefined) made.addHelpText("after", `\n${more}`);
  made.showHelpAfterError(`(npx onebit ${name} --help says more)`);
  made.action(async () => {
    refuseEmpty(made);
    await declared.run(made.processedArgs, givenOf(made, flags));
  });
}

/** What a shell makes of "$FILE" where there is no such variable. */
function refuseEmpty(made: Command): void {
  const at = made.args.findIndex((text) => text.trim() === "");
  if (at < 0) return;
  const { registeredArguments: declared } = made;
  const argument = declared[Math.min(at, declared.length - 1)].name();
  throw new UsageError(`argument ${argument} is empty: is a variable of the shell not set?`);
}

function optionOf(flag: AnyFlag): Option {
  const { heading, isRequired, refusal } = flag.facts;
  const option = new Option(flag.spec, flag.description)
    .makeOptionMandatory(isRequired === true)
    .hideHelp(refusal !== undefined);
  // All of them, so that repeated ones are seen.
  if (flag.form) option.argParser((text, before: readonly string[] = []) => [...before, text]);
  return heading === undefined ? option : option.helpGroup(heading);
}

function givenOf(made: Command, flags: readonly AnyFlag[]): Given {
  const given = flags.filter(({ key }) => made.getOptionValueSource(key) === "cli");
  return new Given(
    given.map((flag) => ({
      flag,
      texts: flag.form ? (made.getOptionValue(flag.key) as readonly string[]) : [],
    })),
  );
}
