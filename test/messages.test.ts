import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { isTest, packages, read, root } from "./imports.js";

it("messages give commands as they work in a project, by onebitCommand: npx onebit ...", () => {
  const files = readdirSync(join(root, "packages/cli/src/commands")).filter(
    (file) => !isTest(file),
  );
  const names = files.map((file) => file.replace(".ts", "")).join("|");
  const bare = new RegExp(`(?<!npx )\\bonebit (${names}|--help)\\b`);
  const noMessage = /^(\/\*\*|\*|\/\/|title:)/;
  const lines = packages().flatMap(({ files }) =>
    files.flatMap((file) =>
      read(file)
        .split("\n")
        .map((line) => [file, line.trim()]),
    ),
  );
  expect(lines.filter(([, line]) => bare.test(line) && !noMessage.test(line))).toEqual([]);
});
