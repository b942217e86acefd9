import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { commands } from "../packages/cli/src/commands/index.js";
import { read, root } from "./imports.js";

const { scripts } = JSON.parse(read("package.json")) as { scripts: { [name: string]: string } };
const pages = [
  "CONTRIBUTING.md",
  "README.md",
  ...readdirSync(join(root, "docs"), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".md"))
    .map((file) => `docs/${file}`),
];

const TOP = ["packages", "docs", "examples", "models", "scripts", "test", "tools", ".ci"];

/** Files of the repository that a page names, in code or by a link. */
function pathsOf(page: string): string[] {
  const text = read(page);
  const code = text.match(/(?<![\w./-])(?:\.ci|[a-z]+)\/[\w@.<>/-]*[\w>]/g) ?? [];
  const named = code.filter((path) => TOP.includes(path.split("/")[0]));
  const links = [...text.matchAll(/\]\(([^)#:]+)(?:#[^)]*)?\)/g)].map(([, to]) => {
    return join(page, "..", to);
  });
  return [...named, ...links];
}

/** `<name>` stands for whatever will be there: the folder must be. */
const stands = (path: string) => existsSync(join(root, path.replace(/\/?[^/]*<.*$/, "")));

it.each(pages)("%s: what it names is there", (page) => {
  const paths = pathsOf(page).filter((path) => !BUILT.test(path));
  expect(paths.filter((path) => !stands(path))).toEqual([]);
});

/** What builds and runs leave, which no checkout has. */
const BUILT = /^(build|runs)\/|\/dist\/|^packages\/core\/wasm\//;

it.each(pages)("%s: scripts and commands that it names exist", (page) => {
  const text = read(page);
  const named = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, name]) => name);
  const ran = named(/npm run (?:--silent )?([\w:-]+)/g);
  expect(ran.filter((name) => !(name in scripts))).toEqual([]);
  const known = commands.map(({ name }) => name);
  const used = named(/^(?:\$ )?(?:npx )?onebit ([a-z][\w-]*)/gm);
  const inline = named(/`(?:npx )?onebit ([a-z][\w-]*)/g);
  expect([...used, ...inline].filter((name) => !known.includes(name))).toEqual([]);
});

it.each(pages)("%s: flags that it gives to a command are that command's", (page) => {
  const lines = read(page).matchAll(/(?:^|`)(?:\$ )?(?:npx )?onebit ([a-z][\w-]*)([^`\n|#]*)/gm);
  const wrong = [...lines].flatMap(([, name, rest]) => {
    const flags = commands.find((command) => command.name === name)?.flags ?? [];
    const known = ["--help", ...flags.map((flag) => flag.name)];
    const given = [...rest.matchAll(/(?<=\s|\[)--[a-z][\w-]*/g)].map(([flag]) => flag);
    return given.filter((flag) => !known.includes(flag)).map((flag) => `${name} ${flag}`);
  });
  expect(wrong).toEqual([]);
});

it("CONTRIBUTING names enough to be worth checking", () => {
  expect(pathsOf("CONTRIBUTING.md").length).toBeGreaterThan(60);
});
