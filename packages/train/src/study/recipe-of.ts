import type { Switches } from "onebit/models";
import { parseLoss } from "../losses/index.js";
import { isModule } from "../own/index.js";
import { overrideRecipe, parseOverrides, type Recipe, resolveRecipe } from "../recipes/index.js";
import { at } from "./fields.js";
import type { Study, Variant } from "./study.js";

export interface RecipeOfOptions {
  /** Assignments such as "epochs=2", on top of all. */
  readonly set?: readonly string[];
  /** Of the variant, for messages. */
  readonly place?: string;
}

/** A variant's recipe, its network's switches included. UsageError, with the place, for what it may not say. */
export function recipeOf(
  { recipe: usual, overrides, model, switches }: Study,
  variant: Variant,
  { set = [], place = variant.name }: RecipeOfOptions = {},
): Recipe {
  const named = variant.recipe ?? usual;
  const base = at(variant.recipe === undefined ? "recipe" : `${place}.recipe`, () =>
    resolveRecipe(named),
  );
  const common = at("overrides", () => overrideRecipe(base, overrides ?? {}));
  const own = at(`${place}.overrides`, () => overrideRecipe(common, variant.overrides ?? {}));
  if (!isModule(own.loss)) at(`${place}: loss`, () => parseLoss(own.loss));
  const studyModel = model ?? base.model;
  const studySwitches: Switches = {
    ...(studyModel === base.model ? base.switches : {}),
    ...switches,
  };
  const isOther = variant.model !== undefined && variant.model !== studyModel;
  const whole = {
    ...own,
    model: variant.model ?? studyModel,
    switches: { ...(isOther ? {} : studySwitches), ...variant.switches },
  };
  return overrideRecipe(whole, parseOverrides(set));
}
