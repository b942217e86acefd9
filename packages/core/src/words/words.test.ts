import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { counted, shellCommand, shellWord } from "./index.js";

describe("counted", () => {
  it.each([
    [1, "image", "1 image"],
    [0, "image", "0 images"],
    [60_000, "image", "60,000 images"],
    [1, "class", "1 class"],
    [10, "class", "10 classes"],
    [2, "batch", "2 batches"],
    [25, "epoch", "25 epochs"],
    [2, "entry", "2 entries"],
    [2, "key", "2 keys"],
    [2, "training image", "2 training images"],
  ])("%d %s", (number, noun, text) => expect(counted(number, noun)).toBe(text));
});

describe("a command pasted into a shell", () => {
  const words = [
    ...["plain", "a/b-c_1.onebit", "my photos/", "it's", 'say "x"', "$HOME", "`id`", "a;b", "~x"],
    ...[
      "*.png",
      "a\\b",
      "(x)",
      "a&b",
      "#x",
      "",
      "ü e",
      "!x",
      "a\nb",
      "tab\there",
      "x\u202ey",
      "'\\'\n",
    ],
  ];

  it.each(words)("%j arrives as it is", (word) => {
    const args = ["-c", `printf '%s\\0' ${shellCommand("first", word, "last")}`];
    const out = execFileSync("sh", args, { encoding: "utf8", env: { LC_ALL: "C.UTF-8" } });
    expect(out.split("\0").slice(0, -1)).toEqual(["first", word, "last"]);
  });

  it("paths of Windows stay as they are", () => {
    expect(shellWord("C:\\models\\net.onebit")).toBe("C:\\models\\net.onebit");
    expect(shellWord("C:\\my models\\net.onebit")).toBe("'C:\\my models\\net.onebit'");
  });
});
