import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { UsageError, visible } from "onebit";
import type { Recipe } from "../recipes/index.js";
import { isModule } from "./own-module.js";

/** Fields of a recipe where a name may be that of a module; stages override such fields. */
const FIELDS = [
  "loss",
  "optimiser",
  "schedule",
  "temperature",
  "scalars",
  "targets",
  "metrics",
  "callbacks",
  "augment",
  "stages",
] as const;

/**
 * The recipe with the addresses of the modules that it names, which are relative to the working directory,
 * and the checksum of each file (not of what it imports): a run does not go on with others. UsageError for
 * one that is not there.
 */
export async function ownModules(recipe: Recipe): Promise<Recipe> {
  const fields = await Promise.all(
    FIELDS.map(async (field) => [field, await resolved(recipe[field])] as const),
  );
  return { ...recipe, ...Object.fromEntries(fields) };
}

async function resolved(value: unknown): Promise<unknown> {
  if (typeof value === "string") return isModule(value) ? address(value) : value;
  if (Array.isArray(value)) return Promise.all(value.map(resolved));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(async ([field, inner]) => [
    field,
    await resolved(inner),
  ]);
  return Object.fromEntries(await Promise.all(fields));
}

async function address(name: string): Promise<string> {
  const url = name.startsWith("file:") ? new URL(name) : pathToFileURL(name);
  url.search = "";
  const code = await readFile(url).catch((cause: Error) => {
    throw new UsageError(
      `the recipe names a module that cannot be read: ${visible(cause.message)}`,
    );
  });
  const checksum = createHash("sha256").update(code).digest("hex").slice(0, 16);
  return `${url.href}?sha256=${checksum}`;
}
