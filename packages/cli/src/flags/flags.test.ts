import { describe, expect, it } from "vitest";
import { commands } from "../commands/index.js";
import { onebit } from "../test-support/run-cli.js";
import type { AnyFlag } from "./flag.js";

const uses = commands.flatMap(({ name, flags }) => flags.map((flag) => ({ command: name, flag })));

/** The words of a text, however it was broken into lines. */
const wordsOf = (text: string) => text.split(/\s+/).join(" ");

describe.each(commands)("$name", ({ name, flags }) => {
  it("shows each of its flags in its help, with what it means", async () => {
    const { stdout } = await onebit(name, "--help");
    for (const { spec, description, facts } of flags) {
      if (facts.refusal !== undefined) continue;
      expect(stdout).toMatch(new RegExp(`^  (-\\w, )?${escaped(spec)}( |$)`, "m"));
      expect(wordsOf(stdout)).toContain(wordsOf(description));
    }
  });

  it("has no flag twice, and none beside the declared ones", async () => {
    const names = flags.map((flag) => flag.name);
    expect(new Set(names).size).toBe(names.length);
    const { stdout } = await onebit(name, "--help");
    const shown = [...stdout.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, flag]) => flag);
    const declared = flags.filter(({ facts }) => facts.refusal === undefined);
    expect(shown.sort()).toEqual([...declared.map((flag) => flag.name), "--help"].sort());
  });
});

const escaped = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

it("two commands that share a flag share the object", () => {
  const roots = new Map<string, AnyFlag>();
  for (const { command, flag } of uses) {
    const called = `${flag.name} ${flag.form ?? ""}`;
    const root = roots.get(called) ?? flag.root;
    if (root !== flag.root) throw new Error(`${command} declares ${called} again`);
    roots.set(called, root);
  }
});

it("a flag that needs another, or excludes it, is in a command that has both", () => {
  for (const { command, flag } of uses) {
    const { needs, excludes = [] } = flag.facts;
    const others = [...(needs ? [needs] : []), ...excludes].map((other) => other.flag.root);
    const { flags } = commands.find(({ name }) => name === command)!;
    const has = new Set(flags.map(({ root }) => root));
    for (const other of others) {
      expect([command, flag.name, other.name, has.has(other)]).toEqual(
        expect.arrayContaining([true]),
      );
    }
  }
});

describe("every flag with a form", () => {
  const once = [...new Map(uses.map(({ flag }) => [flag.root, flag])).values()];
  const strict = once.filter(({ reader }) => {
    try {
      reader?.read("??", "--x");
      return false;
    } catch {
      return reader !== undefined;
    }
  });

  it.each(strict)("$spec names itself and what it was given, where that is no value", (flag) => {
    const { reader, name } = flag;
    const read = () => reader!.read("??", name);
    expect(read).toThrow(`${name} ??: `);
    expect(read).toThrow(/: \S+ \S+/);
  });
});

describe("a flag that is not there", () => {
  it.each([
    ["run net.onebit x.jpg --treads 2", /unknown option '--treads'[\s\S]*Did you mean --threads\?/],
    [
      "train --data glyphs --ovrwrite",
      /unknown option .--ovrwrite.[\s\S]*Did you mean --overwrite\?/,
    ],
    [
      "pack x -o y.onebit --backend wasm",
      /unknown option '--backend'\n\(onebit train, study, run, embed, search, eval, .* or selftest takes it\)/,
    ],
  ])("%s", async (line, message) => {
    const { status, stderr } = await onebit(...line.split(" "));
    expect([status, stderr]).toEqual([2, expect.stringMatching(message)]);
  });
});
