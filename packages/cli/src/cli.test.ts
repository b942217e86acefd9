import { describe, expect, it } from "vitest";
import { temporaryFolder } from "./test-support/folder.js";
import { writeIdxFolder } from "./test-support/idx.js";
import { onebit } from "./test-support/run-cli.js";
import { version } from "./version.js";

const path = temporaryFolder();
const commands = [
  ...[
    "models",
    "suggest",
    "summary",
    "data",
    "train",
    "retrain",
    "study",
    "teachers",
    "report",
    "landscape",
    "picture",
    "reestimate",
    "import",
    "pack",
    "run",
    "embed",
    "search",
    "eval",
    "bench",
    "explain",
  ],
  ...["export", "verify", "bisect", "selftest", "quickstart"],
];

describe("help", () => {
  it("lists the commands, each with a line about it", async () => {
    const { status, stdout, stderr } = await onebit("--help");
    expect([status, stderr]).toEqual([0, ""]);
    for (const name of commands) expect(stdout).toMatch(new RegExp(`^  ${name} .*\\w`, "m"));
    const listed = [...stdout.matchAll(/^ {2}([a-z]+) \[/gm)].map(([, name]) => name);
    expect(listed).toEqual([...commands, "help"]);
  });

  it.each(commands)("of %s says what it does and what every option means", async (name) => {
    const { status, stdout, stderr } = await onebit(name, "--help");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(new RegExp(`^Usage: onebit ${name} \\[options\\]`));
    expect(stdout).toMatch(/^ {2}--json +\w/m);
    const options = stdout.match(/^ {2}-.*$/gm)!;
    for (const line of options) expect(line).toMatch(/^ {2}\S.*? {2,}\S/);
    expect(stdout).not.toMatch(/undefined|\[\]|null/);
    expect(stdout).toBe((await onebit("help", name)).stdout);
  });

  it("of train lists the recipes", async () => {
    const { stdout } = await onebit("train", "--help");
    expect(stdout).toMatch(
      /^Recipes \(default: photographs for folder:DIR, else plain\):\n {2}quickstart +\w/m,
    );
  });

  it("is what one gets without a command, as wrong usage", async () => {
    const { status, stdout, stderr } = await onebit();
    expect([status, stdout]).toEqual([2, ""]);
    expect(stderr).toMatch(/^Usage: onebit/);
  });

  it("is pointed to after a mistake", async () => {
    expect((await onebit("pack")).stderr).toMatch(/\(npx onebit pack --help says more\)$/m);
    expect((await onebit("pakc")).stderr).toMatch(
      /Did you mean pack\?[\s\S]*\(npx onebit --help lists/,
    );
  });
});

it("knows its version", async () => {
  expect(await onebit("--version")).toEqual({ status: 0, stdout: `${version()}\n`, stderr: "" });
});

it.each([
  ["models"],
  ["summary", "bnext-nano"],
  ["summary", "bnext-nano", "--layers", "--train"],
  ["data", "{idx}"],
])("%s %s %s prints one JSON document and nothing else on stdout", async (...args) => {
  await writeIdxFolder(path("idx"));
  const given = args.map((arg) => arg.replace("{idx}", `idx:${path("idx")}`));
  const { status, stdout } = await onebit(...given, "--json");
  expect(status).toBe(0);
  expect(stdout.endsWith("\n")).toBe(true);
  expect(JSON.stringify(JSON.parse(stdout), null, 2)).toBe(stdout.trimEnd());
});
