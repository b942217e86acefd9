import { isDeepStrictEqual } from "node:util";
import { resolveAugment } from "../data/augment/index.js";
import { recipes } from "./catalogue.js";
import type { Recipe } from "./recipe.js";

/** One value of a recipe. */
export interface RecipeField {
  /** Such as "optimiser.weightDecay". */
  readonly field: string;
  readonly value: unknown;
  /** What the recipe has there that it is compared with; undefined: nothing. */
  readonly usual: unknown;
  readonly isOverridden: boolean;
}

/**
 * Every value of a recipe, its augmentations with all their options, and which are others than in `usual`;
 * default: the recipe of the same name, where there is one. Stages are not among them.
 */
export function recipeFields(
  recipe: Recipe,
  usual: Recipe = Object.hasOwn(recipes, recipe.name) ? recipes[recipe.name] : recipe,
): RecipeField[] {
  return fieldsOf(values(recipe), values(usual), "");
}

type Group = { readonly [field: string]: unknown };

function values({ stages: _, augment, ...recipe }: Recipe): Group {
  return { ...recipe, augment: resolveAugment(augment) };
}

function fieldsOf(group: Group, usual: Group, prefix: string): RecipeField[] {
  const names = new Set([...Object.keys(group), ...Object.keys(usual)]);
  return [...names].flatMap((name) => {
    const [value, before] = [group[name], usual[name]];
    const field = prefix + name;
    const inside =
      isGroup(value) || isGroup(before)
        ? fieldsOf(isGroup(value) ? value : {}, isGroup(before) ? before : {}, `${field}.`)
        : [];
    if (inside.length) return inside;
    return [{ field, value, usual: before, isOverridden: !isDeepStrictEqual(value, before) }];
  });
}

function isGroup(value: unknown): value is Group {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
