import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { symbolOf } from "./symbol.js";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "onebit-symbol-"));
  await writeFile(join(folder, "net-a-symbol.json"), "beside");
  await writeFile(join(folder, "other.json"), "named");
});
afterAll(() => rm(folder, { recursive: true }));

it.each(["net-a-0040.params", "net-a.params", "net-a-0040"])("stands beside %s", async (params) => {
  expect(await symbolOf(join(folder, params))).toBe("beside");
});

it("is another file where one is named", async () => {
  const symbol = join(folder, "other.json");
  expect(await symbolOf(join(folder, "net-a-0040.params"), symbol)).toBe("named");
});

it("is missed by name, with what to do", async () => {
  await expect(symbolOf(join(folder, "net-b-0001.params"))).rejects.toThrow(
    /net-b-0001\.params: holds parameters only.*net-b-symbol\.json: .*Name its -symbol\.json/,
  );
  await expect(symbolOf("net", join(folder, "gone.json"))).rejects.toThrow(/^[^:]*gone\.json: /);
});
