import { models } from "onebit/models";
import { expect, it } from "vitest";
import { onebit, onebitJson } from "../test-support/run-cli.js";

it("lists every architecture with what was published about it", async () => {
  const { status, stdout } = await onebit("models");
  expect(status).toBe(0);
  for (const name of Object.keys(models)) expect(stdout).toMatch(new RegExp(`^${name} `, "m"));
  expect(stdout).toMatch(/^bnext-t +72\.4 % +89\.0 M +13\.3 MiB/m);
  expect(stdout).not.toMatch(/ $/m);
});

it("as JSON: figures as fractions, with their sources", async () => {
  const list = await onebitJson<{ name: string; published?: unknown }[]>("models");
  expect(list.map(({ name }) => name)).toEqual(Object.keys(models));
  const published = list.find(({ name }) => name === "reactnet-a")?.published;
  expect(published).toMatchObject({ top1: 0.694, ops: 0.87e8, dataset: "ImageNet" });
  expect(published).toHaveProperty("source", expect.stringContaining("2003.03488"));
});
