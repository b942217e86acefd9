import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Every warning that C exported by onebit must not give. */
export const STRICT = "-std=c99 -pedantic -Wall -Wextra -Wconversion -Wshadow -Werror".split(" ");
export const SANITIZED = "-O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all".split(" ");

/** The first of these programs that there is; CI must have one, elsewhere it is said that there is none. */
export function findTool(names: readonly string[], install: string): string | undefined {
  for (const name of names) {
    try {
      execFileSync(name, ["--version"], { stdio: "ignore" });
      return name;
    } catch {}
  }
  const reason = `no ${names.join(" or ")} here: install ${install}`;
  if (process.env.CI) throw new Error(reason);
  console.log(`skipped: ${reason}`);
  return undefined;
}

/** sources to the program `out`. */
export async function compile(
  compiler: string,
  sources: readonly string[],
  out: string,
  flags: readonly string[],
): Promise<string> {
  await run(compiler, [...STRICT, ...flags, ...sources, "-o", out, "-lm"]);
  return out;
}
