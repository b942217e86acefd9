import { UsageError } from "onebit";
import { unknownName } from "onebit/words";
import { type AugmentOptions, overrideAugment } from "../data/augment/index.js";
import { recipes } from "./catalogue.js";
import type { Recipe, RecipeOverrides } from "./recipe.js";

/**
 * A recipe, or that of a name, with some of its fields replaced. Unknown names, and in a recipe fields that no
 * other has, are a UsageError.
 */
export function resolveRecipe(given: string | Recipe, overrides: RecipeOverrides = {}): Recipe {
  if (typeof given !== "string") {
    // It has all fields, so that only what it has besides, or of another kind, is found.
    overrideRecipe(recipes.plain, given);
    return overrideRecipe(given, overrides);
  }
  if (!Object.hasOwn(recipes, given)) {
    throw new UsageError(unknownName("recipe", given, Object.keys(recipes)));
  }
  return overrideRecipe(recipes[given], overrides);
}

/**
 * A copy of the recipe with some fields replaced; nested groups are merged field by field. A batch or
 * epochs that are given are meant: they no longer follow the number of images (`fit`).
 */
export function overrideRecipe(recipe: Recipe, overrides: RecipeOverrides): Recipe {
  const { batch, epochs, fit } = overrides;
  const exact = {
    ...(batch !== undefined && { batch: false }),
    ...(epochs !== undefined && { leastSteps: null }),
  };
  return merge(recipe as never, { ...overrides, fit: { ...exact, ...fit } } as never, "") as never;
}

/**
 * Overrides from command-line assignments such as "optimiser.weightDecay=1e-4". Values are JSON;
 * what is not JSON is taken as a string.
 */
export function parseOverrides(assignments: readonly string[]): RecipeOverrides {
  const root: Fields = {};
  for (const assignment of assignments) {
    const at = assignment.indexOf("=");
    if (at < 1) throw new UsageError(`"${assignment}": write field=value, such as epochs=20`);
    const path = assignment.slice(0, at).split(".");
    let group = root;
    for (const part of path.slice(0, -1)) {
      const inner = Object.hasOwn(group, part) ? group[part] : {};
      if (!isGroup(inner)) throw new UsageError(`"${assignment}": ${part} is already a value`);
      define(group, part, inner);
      group = inner;
    }
    define(group, path.at(-1)!, parseValue(assignment.slice(at + 1)));
  }
  return root as RecipeOverrides;
}

type Fields = { [field: string]: unknown };

/** Groups whose fields depend on something else: they are replaced as a whole. */
const replaced = new Set(["switches", "scalars", "metrics"]);

/** Fields that may hold more than one kind of value. */
const alternatives: { readonly [field: string]: readonly string[] } = {
  clip: ["null", "number"],
  averageDecay: ["null", "number"],
  microBatch: ["null", "number"],
  leastSteps: ["null", "number"],
  side: ["null", "number"],
  crop: ["null", "number"],
  targets: ["null", "string"],
};

function merge(base: Fields, overrides: Fields, prefix: string): Fields {
  const merged: Fields = { ...base };
  for (const [field, value] of Object.entries(overrides)) {
    if (value === undefined) continue;
    const path = prefix + field;
    if (!Object.hasOwn(base, field)) {
      throw new UsageError(unknownName("field", path, fieldPaths(base, prefix)));
    }
    const old = base[field];
    if (path === "augment" && isGroup(value)) {
      merged[field] = overrideAugment(old as AugmentOptions, value as AugmentOptions);
      continue;
    }
    if (isGroup(old) && isGroup(value) && !replaced.has(field)) {
      merged[field] = merge(old, value, `${path}.`);
      continue;
    }
    checkKind(path, field, old, value);
    merged[field] = value;
  }
  return merged;
}

function checkKind(path: string, field: string, old: unknown, value: unknown): void {
  const wanted = Object.hasOwn(alternatives, field) ? alternatives[field] : [kindOf(old)];
  if (typeof value === "number" && !Number.isFinite(value)) {
    throw new UsageError(`${path}: ${value} is no finite number (now ${JSON.stringify(old)})`);
  }
  if (wanted.includes(kindOf(value))) return;
  throw new UsageError(
    `${path}: ${JSON.stringify(value)} is a ${kindOf(value)}, a ${wanted.join(" or ")} is wanted (now ${JSON.stringify(old)})`,
  );
}

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "list";
  if (value === null) return "null";
  return isGroup(value) ? "group of fields" : typeof value;
}

function isGroup(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fieldPaths(base: Fields, prefix: string): string[] {
  return Object.keys(base).map((field) => prefix + field);
}

function parseValue(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Like assignment, but "__proto__" becomes a field like any other. */
function define(group: Fields, field: string, value: unknown): void {
  Object.defineProperty(group, field, {
    value,
    enumerable: true,
    writable: true,
    configurable: true,
  });
}
