import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MICRO_OP_NAMES } from "./program/micro-ops.js";
import { opsPage } from "./test-support/ops-page.js";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");
const files = readdirSync(new URL("ops/", import.meta.url)).filter(
  (file) => !/\.test\./.test(file),
);

const page = opsPage({
  ops: Object.fromEntries(files.map((file) => [file, read(`ops/${file}`)])),
  goldens: read("ops/goldens.test.ts"),
  microOps: read("program/micro-ops.ts"),
  steps: read("program/types.ts"),
});

/** Stale? npm run docs:ops */
it("docs/ops.md is what the registries and the tests say", async () => {
  await expect(page).toMatchFileSnapshot(
    fileURLToPath(new URL("../../../docs/ops.md", import.meta.url)),
  );
});

it("has a row for every kind of step, and for every micro-op", () => {
  const kinds = /type Step =([^;]*);/.exec(read("program/types.ts"))![1].match(/\w+Step/g)!;
  const rows = (heading: string) =>
    page.split(`## ${heading}`)[1].split("\n\n## ")[0].match(/^\| `/gm);
  expect(rows("Steps of programs")).toHaveLength(kinds.length);
  expect(rows("Micro-ops of epilogues")).toHaveLength(MICRO_OP_NAMES.length);
});
