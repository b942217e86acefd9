import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { UsageError, visible } from "onebit";
import type { Recipe } from "../recipes/index.js";
import { isModule } from "./own-module.js";

/** Fields of a recipe where a name may be that of a module. */
const FIELDS = ["loss", "optimiser", "schedule", "temperature", "augment"] as const;

/** Checksums (SHA-256) of modules, by their addresses. Of each file itself, not of what it imports. */
export type ModuleRecord = { readonly [url: string]: string };

/**
 * The recipe with the addresses of the modules that it names, which are relative to the working
 * directory. UsageError for one that is not there.
 */
export async function ownModules(
  recipe: Recipe,
): Promise<{ readonly recipe: Recipe; readonly modules: ModuleRecord }> {
  const urls = new Set<string>();
  const resolved = FIELDS.map((field) => {
    const found = mapModules(recipe[field], (name) => {
      const url = name.startsWith("file:") ? name : pathToFileURL(name).href;
      urls.add(url);
      return url;
    });
    return [field, found] as const;
  });
  const modules = await Promise.all(
    [...urls].map(async (url) => [url, await checksum(url)] as const),
  );
  return {
    recipe: { ...recipe, ...Object.fromEntries(resolved) },
    modules: Object.fromEntries(modules),
  };
}

function mapModules(value: unknown, map: (name: string) => string): unknown {
  if (typeof value === "string") return isModule(value) ? map(value) : value;
  if (Array.isArray(value)) return value.map((item) => mapModules(item, map));
  if (typeof value !== "object" || value === null) return value;
  const fields = Object.entries(value).map(([field, inner]) => [field, mapModules(inner, map)]);
  return Object.fromEntries(fields);
}

async function checksum(url: string): Promise<string> {
  const code = await readFile(new URL(url)).catch((cause: Error) => {
    throw new UsageError(
      `the recipe names a module that cannot be read: ${visible(cause.message)}`,
    );
  });
  return createHash("sha256").update(code).digest("hex");
}
