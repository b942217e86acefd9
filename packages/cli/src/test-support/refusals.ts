import { expect, it } from "vitest";
import { onebit } from "./run-cli.js";
import { snapshot } from "./snapshot.js";

export const WRONG_USAGE = 2;
export const FAILED = 1;

/** {x} in the command stands for the path of x. */
export type Refusal = [what: string, command: string, message: RegExp];

/** Checks of commands that must be refused, in the folder that `path` gives paths in. */
export function refusalsIn(path: (...parts: string[]) => string) {
  const inFolder = (text: string) => text.replace(/\{([^}]*)\}/g, (_, name) => path(name));

  /** The status, a message with the thing and the remedy, nothing on stdout, no file changed. */
  async function expectRefusal(args: string[], status: number, message: RegExp): Promise<void> {
    const before = await snapshot(path());
    const result = await onebit(...args);
    expect(result.stderr).toMatch(message);
    expect(result.stderr).not.toMatch(/internal error|\n +at /);
    expect([result.status, result.stdout]).toEqual([status, ""]);
    expect(await snapshot(path())).toEqual(before);
  }

  function refuses(status: number, cases: readonly Refusal[]): void {
    it.each(cases)("%s", async (_, command, message) => {
      await expectRefusal(command.split(" ").map(inFolder), status, message);
    });
  }

  return { inFolder, expectRefusal, refuses };
}
