import { execFileSync } from "node:child_process";
import { expect, it } from "vitest";
import { shellCommand } from "./shell.js";

it("leaves plain words alone, and quotes others as a shell reads them", () => {
  expect(shellCommand("onebit", "pack", "runs/plain", "-o", "m.onebit", "a=1,2")).toBe(
    "onebit pack runs/plain -o m.onebit a=1,2",
  );
  const words = ["two words", "it's", "$HOME", "a`b`", "*", "", "Ünï", 'x"y', "a\\b", "~", "#"];
  const printed = execFileSync("sh", ["-c", `printf '%s\\n' ${shellCommand(...words)}`], {
    encoding: "utf8",
  });
  expect(printed.split("\n").slice(0, -1)).toEqual(words);
});
