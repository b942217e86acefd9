import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { OnebitError, UsageError } from "onebit";
import sharp from "sharp";
import { describe, expect, it } from "vitest";
import { colorsFor, LINE_END, OWN } from "./colors.js";
import { sendable, sendableJson } from "./foreign-text.js";
import { table } from "./terminal.js";
import { temporaryFolder } from "./test-support/folder.js";
import { tinyBnext, writeFloatModel } from "./test-support/networks.js";
import { onebit } from "./test-support/run-cli.js";

const colors = colorsFor({ isTTY: true }, {});
const path = temporaryFolder();

/** Everything that moves a cursor, changes colours, turns text round, or is not seen at all. */
const HOSTILE = [
  ["a colour", "\x1b[31m", "\\x1b[31m"],
  ["one that looks like ours", "\x1b[31;1m", "\\x1b[31;1m"],
  ["a title of the terminal", "\x1b]0;title\x07", "\\x1b]0;title\\x07"],
  ["an 8-bit sequence", "\x9b2J", "\\x9b2J"],
  ["a return", "good\rbad", "good\\rbad"],
  ["line ends", "a\nerror: b\r\nc", "a\\nerror: b\\r\\nc"],
  ["a backspace and a deletion", "\b\x7f", "\\x08\\x7f"],
  ["nothing", "\0", "\\x00"],
  ["a right-to-left override", "\u202egnp.exe", "\\u202egnp.exe"],
  ["isolates", "\u2066a\u2069\u2068b", "\\u2066a\\u2069\\u2068b"],
  ["marks of direction", "\u200e\u200f\u061c", "\\u200e\\u200f\\u061c"],
  [
    "zero-width characters",
    "\u200b\u200c\u200d\u2060\ufeff",
    "\\u200b\\u200c\\u200d\\u2060\\ufeff",
  ],
  ["Unicode's line ends", "\u0085\u2028\u2029", "\\x85\\u2028\\u2029"],
  ["lone surrogates", "\ud83d \udc00", "\\ud83d \\udc00"],
  ["invisible tags", "\u{e0041}", "\\u{e0041}"],
] as const;

describe("text from outside", () => {
  it.each(HOSTILE)("%s is written out: in a line, a cell, an error", (_, text, shown) => {
    expect(sendable(`name ${text} end`)).toBe(`name ${shown} end`);
    expect(sendable(colors.red(text))).toBe(`\x1b[31m${shown}\x1b[39m`);
    const cell = sendable(table(["head", text], [[text, 1]]));
    expect(cell.split("\n").length).toBe(2);
    expect(cell.split(shown).length).toBe(3);
    expect(new OnebitError(`${text}: bad`).message).toBe(`${shown}: bad`);
    expect(new UsageError(`bad ${text}.`).message).toBe(`bad ${shown}.`);
  });

  it.each(HOSTILE)("%s stays the same data in JSON, in characters that show", (_, text) => {
    for (const indent of [undefined, 2]) {
      const json = sendableJson({ [text]: [text] }, indent);
      expect(JSON.parse(json)).toEqual({ [text]: [text] });
      expect(json.replaceAll("\n", "")).toMatch(/^[\x20-\x7e]*$/);
    }
  });

  it.each(["plain", "Ünïcödé", "日本語", "עברית", "🐕", "e\u0301", "C:\\temp\\new"])(
    "%s is left alone",
    (text) => {
      expect(sendable(text)).toBe(text);
      expect(new OnebitError(text).message).toBe(text);
      expect(sendableJson(text)).toBe(JSON.stringify(text));
    },
  );

  it("of monstrous length is cut", () => {
    const name = "x".repeat(1_000_000);
    const { message } = new OnebitError(`file.pt: ${name}: unknown tensor`);
    expect(message).toMatch(/^file\.pt: x{100}… \(\d+ more characters\) …x+:? ?unknown tensor$/);
    expect(message.length).toBeLessThan(400);
    expect(table(["a"], [[name]]).length).toBeLessThan(700);
    expect(new OnebitError("\ufeff ".repeat(1e6)).message.length).toBeLessThan(500_000);
  });
});

describe("our own", () => {
  it("colours and line ends are sent", () => {
    const text = `${colors.bold("a")}${LINE_END}  b${LINE_END}c`;
    expect(sendable(text)).toBe("\x1b[1ma\x1b[22m\n  b\nc");
    expect(sendable("both lists:\n  a, b\n  c")).toBe("both lists:\n  a, b\n  c");
    expect(new OnebitError("both:\n  a\n  b").message).toBe("both:\n  a\n  b");
  });

  it("mark is no constant that a file could hold", () => {
    expect(OWN).toMatch(/^\d{9}$/);
    expect(sendable("\x1b[31;123456789m")).toBe(
      OWN === "123456789" ? "\x1b[31m" : "\\x1b[31;123456789m",
    );
  });
});

it("no command prints past the one function", () => {
  const root = fileURLToPath(new URL(".", import.meta.url));
  const files = readdirSync(root, { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts") && !/\.test\.ts$|test-support/.test(file))
    .filter((file) =>
      /std(out|err)\.write\(|console\./.test(readFileSync(join(root, file), "utf8")),
    );
  // Errors, through `sendable`; words of our own.
  expect(files.sort()).toEqual(["cli.ts", "interrupt.ts", "streams.ts"]);
});

describe("a network whose class names are hostile", () => {
  const labels = ["\x1b[2J\x1b[1;1Hall good", "\u202etxet", "a\nerror: fake", "plain"];

  it("is run without a sequence of its own", async () => {
    await writeFloatModel(path("float.safetensors"), { ...tinyBnext(), labels });
    await onebit("pack", path("float.safetensors"), "-o", path("packed.onebit"));
    const grey = { width: 16, height: 16, channels: 3, background: "#777" } as const;
    await sharp({ create: grey }).png().toFile(path("a.png"));

    const args = ["run", path("packed.onebit"), path("a.png")];
    const { status, stdout, stderr } = await onebit(...args);
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("\\x1b[2J\\x1b[1;1Hall good");
    expect(stdout).toContain("\\u202etxet");
    expect(stdout).toContain("a\\nerror: fake");
    expect(stdout).toMatch(/^[\x20-\x7e\n]*$/);

    const json = await onebit(...args, "--json");
    expect(json.stdout).toMatch(/^[\x20-\x7e\n]*$/);
    const [{ top }] = JSON.parse(json.stdout) as [{ top: { label: string }[] }];
    expect(new Set(top.map(({ label }) => label))).toEqual(new Set(labels));
  });
});
